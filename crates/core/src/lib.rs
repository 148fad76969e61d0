//! Mount logic for container runtimes, VM sandboxes, CSI drivers and node agents.
//!
//! Four floors; each uses only those below it:
//!
//! 1. *Values*, true of a number or a text alone: [`DeviceNumber`], [`Location`], [`MountInfo`], [`MountTable`], the
//!    requests.
//! 2. *Ports*, what the library asks of the world: [`Filesystem`] (with [`Directory`]), [`Mounter`], and both as
//!    [`Backend`].
//! 3. *Questions*, which only look.
//! 4. *Sequences*, which change the world in an order that matters.
//!
//! There is no I/O here and no unsafe code. `mountwright-linux` implements the ports on Linux, `mountwright-fake` on an
//! in-memory model of it.
//!
//! # Where to begin
//!
//! | to | begin at |
//! |---|---|
//! | write code for both backends | [`Backend`], and a [`Location`] for each place: trusted, or beneath a root that a guest can write |
//! | know what is behind a path | [`backing_device`], [`device_for_path`], [`mount_at`], [`Mounter::mount_of`] |
//! | classify the mounts of a specification | [`Mount::from_runtime_spec`], [`kubernetes`], [`is_system_mount`], [`is_host_device`], [`empty_dir_medium`], [`watchability`] |
//! | bind, remount, unmount | [`bind_mount`], [`remount_read_only`], [`Mounter`] |
//! | share a container with its guest | [`set_up_sandbox`], [`share_rootfs`], [`share_volume`], [`unshare_recorded`], [`tear_down_sandbox`] |
//! | go on after a crash | [`ensure_share`], [`Recovery`], [`Reaping`] |
//! | read a mount table, or print one | [`MountTable`], [`MountInfo`], [`MountOptions`] |
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
//! * `mock`: `MockFilesystem`, `MockDirectory` and `MockMounter`, made with mockall.
//! * `oci-spec`: [`Mount`] from and to `oci_spec::runtime::Mount`.
//! * `proptest`: `strategies`, values and histories for property tests.
//! * `serde`: stored forms of the data types (`docs/forms.md`), and `DirectVolume`, the record of a direct-assigned volume.
#![forbid(unsafe_code)]

#[cfg(test)]
mod changing_tree;
#[cfg(all(test, feature = "serde"))]
mod error_messages;
mod ports;
mod questions;
mod sequences;
#[cfg(any(test, feature = "proptest"))]
pub mod strategies;
mod values;

pub use ports::backend::Backend;
pub use ports::directory::Directory;
pub use ports::directory_entries::{DirectoryEntries, LendEntries};
pub use ports::filesystem::Filesystem;
pub use ports::mounter::Mounter;
pub use ports::open_entry::OpenEntry;
pub use ports::rafs_daemon::RafsDaemon;
#[cfg(any(test, feature = "mock"))]
pub use ports::{
    directory::MockDirectory, filesystem::MockFilesystem, mounter::MockMounter, open_entry::MockOpenEntry,
    rafs_daemon::MockRafsDaemon,
};
pub use questions::atomic_writer::read::{atomic_volume_generation, read_atomic_volume};
pub use questions::backing_device::backing_device;
pub use questions::block_device::{
    SYSFS_ROOT, is_block_device, is_block_device_in, is_device_mapper, is_device_mapper_in,
};
pub use questions::count_files::count_files;
pub use questions::device_for_path::device_for_path;
pub use questions::empty_dir_medium::{empty_dir_medium, is_ephemeral_storage, is_host_empty_dir};
pub use questions::file_walk::TREE_DEPTH_MAX;
pub use questions::fs_group_needed::fs_group_needs_change;
pub use questions::host_device::is_host_device;
pub use questions::mount_at::mount_at;
pub use questions::watchability::{is_watchable_mount, watchability};
pub use sequences::bind_mount::{BindMount, bind_mount};
pub use sequences::container_mounts::{Container, NYDUS_ROOTFS_TYPE, Sandbox};
#[cfg(feature = "serde")]
pub use sequences::direct_volume_file::{
    DirectVolumeError, MOUNT_INFO_MAX, apply_direct_volume, read_direct_volume, write_direct_volume,
};
pub use sequences::ensure_share::ensure_share;
pub use sequences::ensured::Ensured;
pub use sequences::found_again::{FoundAgain, RecordDifference};
pub use sequences::fs_group::apply::apply_fs_group;
pub use sequences::fs_group::outcome::{FAILURES_KEPT, FsGroupError, FsGroupOutcome, FsGroupProgress, FsGroupReport};
pub use sequences::fs_group::request::{AfterFailures, FsGroupRequest};
pub use sequences::left_mount::{LeftMount, LeftRole, Leftovers};
pub use sequences::nydus::cleanup_nydus;
pub use sequences::plan::Plan;
pub use sequences::reap_report::{ReapReport, Unreaped};
pub use sequences::reap_step::ReapStep;
pub use sequences::reaping::Reaping;
pub use sequences::record_state::{Proof, RecordState, StaleReason};
pub use sequences::recovery::Recovery;
pub use sequences::remount::{remount, remount_read_only, remount_superblock};
pub use sequences::run::Run;
pub use sequences::sandbox_dirs::{SandboxDirs, UnsharedMounts};
pub use sequences::sandbox_setup::{SandboxSetup, set_up_sandbox};
pub use sequences::sequence::Sequence;
pub use sequences::setting_up::SettingUp;
pub use sequences::setup_step::SetupStep;
pub use sequences::share::{share_rootfs, share_snapshot_dir, share_volume};
pub use sequences::share_name::{LOWER_DIR, ROOTFS_DIR, SANDBOX_MOUNTS_DIR, SNAPSHOT_DIR, UPPER_DIR, WORK_DIR};
pub use sequences::share_record::ShareRecord;
pub use sequences::share_request::Share;
pub use sequences::share_step::ShareStep;
pub use sequences::sharing::Sharing;
pub use sequences::take_off::TakeOff;
pub use sequences::tear_down::{TearDown, tear_down_container, tear_down_sandbox};
pub use sequences::tear_down_outcome::TearDownOutcome;
pub use sequences::tear_down_report::{TearDownReport, TornDown};
pub use sequences::tear_down_step::TearDownStep;
pub use sequences::tearing_down::TearingDown;
pub use sequences::unproven_mount::{UnprovenMount, UnprovenReason};
pub use sequences::unshare::{unshare_rootfs, unshare_snapshot_dir, unshare_volume};
pub use sequences::unshare_all::{UnshareAllError, UnshareDone, UnshareFailure, UnshareStep, unshare_all};
pub use sequences::unshare_outcome::{NameAfter, UnshareOutcome};
pub use sequences::unshare_recorded::unshare_recorded;
pub use values::atomic_volume::{AtomicVolume, AtomicVolumeLimits, VolumeFile};
pub use values::atomic_volume_error::{AtomicVolumeError, LayoutFault};
pub use values::attribute_change::{AttributeChange, ConflictingChange};
pub use values::attributes_request::{AttributesReport, AttributesRequest};
pub use values::backing_device::BackingDevice;
pub use values::bind_request::{BindReport, BindRequest, MissingTarget, OccupiedTarget};
pub use values::clean_path::clean_path;
pub use values::conflict::{Conflict, Difference};
pub use values::container_id::{ContainerId, InvalidContainerId};
pub use values::crossing::Crossing;
pub use values::device_number::DeviceNumber;
#[cfg(feature = "serde")]
pub use values::direct_volume::{DirectVolume, DirectVolumeType};
pub use values::direct_volume_path::{
    DIRECT_VOLUME_PATH_MAX, DIRECT_VOLUMES_ROOT, MOUNT_INFO_FILE, UnusableVolumePath, direct_volume_directory_name,
};
pub use values::directory_entry::DirectoryEntry;
pub use values::docker_volume::{
    DOCKER_DATA_ROOT, DOCKER_VOLUME_PREFIX, DOCKER_VOLUME_SUFFIX, is_docker_volume, is_docker_volume_in,
};
pub use values::empty_dir_medium::EmptyDirMedium;
pub use values::entry_ref::EntryRef;
pub use values::errno::Errno;
pub use values::error::Error;
pub use values::file_count::FileCount;
pub use values::file_identity::FileIdentity;
pub use values::file_kind::FileKind;
pub use values::file_mode::FileMode;
pub use values::file_time::FileTime;
pub use values::filesystem_magic::FilesystemMagic;
pub use values::final_link::FinalLink;
pub use values::fs_group::{BadVolumeRecord, FS_GROUP, FS_GROUP_CHANGE_POLICY, FsGroup, FsGroupChangePolicy};
pub use values::guarantee::Guarantee;
pub use values::kubernetes;
pub use values::location::Location;
pub use values::metadata::Metadata;
pub use values::mount::Mount;
pub use values::mount_attributes::{AtimeMode, MountAttributes};
pub use values::mount_flags::MountFlags;
pub use values::mount_id::{MountId, MountKey, UniqueMountId};
pub use values::mount_info::MountInfo;
pub use values::mount_lookup::{FilesystemOf, PathMount};
pub use values::mount_options::MountOptions;
pub use values::mount_request::{FilesystemOption, MountReport, MountRequest};
pub use values::mount_shape::{MountShape, PropagationShape};
pub use values::mount_table::{MountRow, MountTable};
pub use values::mountinfo_line::OddLine;
pub use values::not_ours::NotOurs;
pub use values::nydus::{NydusNotSupported, nydus_supported, rafs_mount_path};
pub use values::operation::Operation;
pub use values::origin::{BootId, MountNamespaceId, NotABootId, Origin};
pub use values::os_error::{Leftover, OsError, Subject};
pub use values::pasted_table::{PastedTable, RemovedText};
pub use values::path_device::PathDevice;
pub use values::placeholder::Placeholder;
pub use values::printable::printable;
pub use values::propagation::{PeerGroup, Propagation, PropagationState, PropagationWord, WrongPropagation};
pub use values::rafs_answer::{RafsError, RafsUnmount};
pub use values::recursion::Recursion;
pub use values::relative_path::{NotRelative, RelativePath};
pub use values::shm_size::DEFAULT_SHM_SIZE;
pub use values::system_mount::{SYSTEM_MOUNT_PREFIXES, is_system_mount};
pub use values::table_drawing::{TABLE_HEADS, TreeRow};
pub use values::unmount_request::{MountSubtree, UnmountMode, UnmountRequest};
pub use values::unusable_mount::UnusableMount;
pub use values::unusable_option::UnusableOption;
pub use values::volume_access::VolumeAccess;
pub use values::volume_generation::VolumeGeneration;
pub use values::watchability::{VolumeLayout, WATCHABLE_ENTRIES_MAX, Watchability};
