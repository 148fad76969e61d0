//! The mountwright ports on an in-memory model of Linux mounts.
//!
//! [`Machine`] is a plain value: superblocks with inode trees, mounts with parents, peer groups and masters, mount
//! namespaces, and processes with descriptors and credentials. Its *syscall face* (the methods of [`Machine`] that are
//! named as the system calls are) takes raw ABI integers ([`abi`]) and answers with the errno that Linux 6.18 gives, in the
//! kernel's order of checks.
//!
//! * **A value.** `clone` is cheap (persistent arrays behind `Arc`): a clone is a snapshot, later changes to either copy do
//!   not show in the other.
//! * **Deterministic.** Same calls, same ids, same order, same output. No clock, no randomness, no global state.
//! * **No I/O**, no `unsafe`; `Send + Sync`.
#![forbid(unsafe_code)]

pub mod abi;
mod credentials;
mod fake_backend;
mod host;
mod kernel;
mod machine;
mod pid;
mod ports;
mod script;
mod show;
mod syscalls;

pub use credentials::{Credentials, IdMap, IdRange};
pub use fake_backend::FakeBackend;
pub use host::host_builder::HostBuilder;
pub use host::host_error::{HostError, HostLine};
pub use host::plant::Plant;
pub use machine::Machine;
pub use pid::Pid;
pub use script::failure::Failure;
pub use script::journal::{Journal, PortCall};
pub use show::difference::Difference;
pub use syscalls::at::At;
pub use syscalls::getdents64::Dirent;
pub use syscalls::mount_setattr::MountAttr;
pub use syscalls::open::OpenHow;
pub use syscalls::statfs::Statfs;
pub use syscalls::statmount::Statmount;
pub use syscalls::statx::{Statx, StatxTimestamp};
