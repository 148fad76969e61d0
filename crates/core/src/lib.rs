//! Mount logic for container runtimes, VM sandboxes, CSI drivers and node agents.
//!
//! The modules are subjects. A module imports only from those before it:
//!
//! 1. *Data*: [`path`], [`mod@file`], [`mount`], [`error`], [`mount_table`], [`spec`]: plain data types and
//!    parsers. No port access.
//! 2. *Ports*: [`ports`], the two traits that a backend implements, [`Filesystem`] (with [`Directory`]) and
//!    [`Mounter`]; a type with both is a [`Backend`].
//! 3. *Questions*, which change nothing: [`device`], most of [`kubernetes`].
//! 4. *Changes*, in an order that matters: [`unmount`], [`share`], [`sandbox`], [`recovery`], [`kata`], and
//!    [`kubernetes::fs_group`]. With the feature `serde` also `rootfs`, the plan of a container's root.
//!
//! There is no I/O here and no unsafe code. `mountwright-linux` implements the ports on Linux, `mountwright-fake` on an
//! in-memory model of it.
//!
//! # Where to begin
//!
//! | to | begin at |
//! |---|---|
//! | write code for both backends | [`Backend`], and a [`Location`] for each place: trusted, or beneath a root that a guest can write |
//! | find the storage behind a path | [`device::BackingDevice::of`], [`device::PathDevice::of`], [`MountInfo::at`], [`Mounter::mount_of`] |
//! | classify the mounts of a specification | [`spec::Mount::from_runtime_spec`], [`kubernetes`], [`spec::Mount::is_system_mount`], [`device::PathDevice::is_host_device`] |
//! | bind, remount, unmount | [`Mounter::bind`] of a [`BindRequest::private`], [`Mounter::change_attributes`], [`Mounter::unmount`] |
//! | share a container with its guest | [`sandbox::SandboxSetup`], [`share::Share`], [`share::ShareName::unshare`], [`sandbox::TearDown`] |
//! | continue after a crash | [`share::Share::ensure`], [`recovery::Recovery`] |
//! | read a mount table, or print one | [`MountTable`], [`MountInfo`], [`spec::MountOptions`] |
//! | handle an error | [`Error`], [`OsError`], [`Errno`] |
//!
//! ```
//! use mountwright_core::MountTable;
//!
//! let table = MountTable::parse("28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n");
//! assert_eq!(table.mount_holding("/etc".as_ref()).unwrap().device().to_string(), "259:2");
//! ```
//!
//! # Features
//!
//! * `mock`: in [`ports`], `MockFilesystem`, `MockDirectory` and `MockMounter`, made with mockall.
//! * `oci-spec`: [`spec::Mount`] from and to `oci_spec::runtime::Mount`.
//! * `proptest`: `strategies`, values and histories for property tests.
//! * `serde`: stored forms of the data types (`docs/forms.md`); `DirectVolume`, the record of a direct-assigned volume; and
//!   `rootfs`, the plan of a container's root from an OCI `config.json`.
#![forbid(unsafe_code)]

mod bind;
pub mod device;
pub mod error;
pub mod file;
pub mod kata;
pub mod kubernetes;
pub mod mount;
pub mod mount_table;
pub mod path;
pub mod ports;
pub mod recovery;
#[cfg(feature = "serde")]
pub mod rootfs;
pub mod sandbox;
pub mod share;
pub mod spec;
pub mod stepwise;
#[cfg(feature = "serde")]
mod stored_form;
#[cfg(any(test, feature = "proptest"))]
pub mod strategies;
#[cfg(test)]
mod test_support;
pub mod unmount;

pub use error::{Errno, Error, Operation, OsError};
pub use file::{DeviceNumber, FileMode};
pub use mount::{
    AttributeChange, AttributesRequest, BindRequest, MountFlags, MountInfo, MountKey, MountRequest, Propagation,
    Recursion, UnmountRequest,
};
pub use mount_table::MountTable;
pub use path::{ContainerId, Location, RelativePath};
pub use ports::{Backend, Directory, Filesystem, Mounter, OpenEntry};
