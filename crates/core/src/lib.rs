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

mod bind;
mod device;
mod error;
mod file;
mod kata;
pub mod kubernetes;
mod mount;
mod mount_table;
mod path;
mod ports;
mod recovery;
mod sandbox;
mod share;
mod spec;
mod stepwise;
#[cfg(feature = "serde")]
mod stored_form;
#[cfg(any(test, feature = "proptest"))]
pub mod strategies;
#[cfg(test)]
mod test_support;
mod unmount;

pub use bind::bind_mount::{BindMount, bind_mount};
pub use bind::remount::{remount, remount_read_only, remount_superblock};
pub use device::backing::BackingDevice;
pub use device::backing_device::backing_device;
pub use device::device_for_path::device_for_path;
pub use device::host_device::is_host_device;
pub use device::mount_at::mount_at;
pub use device::path_device::PathDevice;
pub use device::sysfs::{SYSFS_ROOT, is_block_device, is_block_device_in, is_device_mapper, is_device_mapper_in};
pub use error::core_error::Error;
pub use error::errno::Errno;
pub use error::operation::Operation;
pub use error::os_error::{Leftover, OsError, Subject};
pub use file::device_number::DeviceNumber;
pub use file::directory_entry::DirectoryEntry;
pub use file::entry_ref::EntryRef;
pub use file::final_symlink::FinalLink;
pub use file::identity::FileIdentity;
pub use file::kind::FileKind;
pub use file::magic::FilesystemMagic;
pub use file::metadata::Metadata;
pub use file::mode::FileMode;
pub use file::time::FileTime;
#[cfg(feature = "serde")]
pub use kata::direct_volume::{DirectVolume, DirectVolumeType};
#[cfg(feature = "serde")]
pub use kata::direct_volume_file::{
    DirectVolumeError, MOUNT_INFO_MAX, apply_direct_volume, read_direct_volume, write_direct_volume,
};
pub use kata::direct_volume_path::{
    DIRECT_VOLUME_PATH_MAX, DIRECT_VOLUMES_ROOT, MOUNT_INFO_FILE, UnusableVolumePath, direct_volume_directory_name,
};
pub use kata::docker_volume::{
    DOCKER_DATA_ROOT, DOCKER_VOLUME_PREFIX, DOCKER_VOLUME_SUFFIX, is_docker_volume, is_docker_volume_in,
};
pub use kata::not_ours::NotOurs;
pub use kata::nydus::{NydusNotSupported, nydus_supported, rafs_mount_path};
pub use kata::nydus_cleanup::cleanup_nydus;
#[cfg(any(test, feature = "mock"))]
pub use kata::rafs_daemon::MockRafsDaemon;
pub use kata::rafs_daemon::RafsDaemon;
pub use kata::rafs_error::{RafsError, RafsUnmount};
pub use kata::sandbox::{Container, NYDUS_ROOTFS_TYPE, Sandbox};
pub use kata::shm_size::DEFAULT_SHM_SIZE;
pub use kata::unshare_all::{UnshareAllError, UnshareDone, UnshareFailure, UnshareStep, unshare_all};
pub use kubernetes::atomic_writer::error::{AtomicVolumeError, LayoutFault};
pub use kubernetes::atomic_writer::generation::VolumeGeneration;
pub use kubernetes::atomic_writer::read::{atomic_volume_generation, read_atomic_volume};
pub use kubernetes::atomic_writer::volume::{AtomicVolume, AtomicVolumeLimits, VolumeFile};
pub use kubernetes::count_files::count_files;
pub use kubernetes::empty_dir::{empty_dir_medium, is_ephemeral_storage, is_host_empty_dir};
pub use kubernetes::empty_dir_medium::EmptyDirMedium;
pub use kubernetes::file_count::FileCount;
pub use kubernetes::file_walk::TREE_DEPTH_MAX;
pub use kubernetes::fs_group::access::VolumeAccess;
pub use kubernetes::fs_group::apply::apply_fs_group;
pub use kubernetes::fs_group::needed::fs_group_needs_change;
pub use kubernetes::fs_group::outcome::{FAILURES_KEPT, FsGroupError, FsGroupOutcome, FsGroupProgress, FsGroupReport};
pub use kubernetes::fs_group::policy::{
    BadVolumeRecord, FS_GROUP, FS_GROUP_CHANGE_POLICY, FsGroup, FsGroupChangePolicy,
};
pub use kubernetes::fs_group::request::{AfterFailures, FsGroupRequest};
pub use kubernetes::watchability::{VolumeLayout, WATCHABLE_ENTRIES_MAX, Watchability};
pub use kubernetes::watchable::{is_watchable_mount, watchability};
pub use mount::atomicity::Guarantee;
pub use mount::attribute_change::{AttributeChange, ConflictingChange};
pub use mount::attributes::{AtimeMode, MountAttributes};
pub use mount::attributes_request::{AttributesReport, AttributesRequest};
pub use mount::bind_request::{BindReport, BindRequest, MissingTarget, OccupiedTarget};
pub use mount::conflict::{Conflict, Difference};
pub use mount::expected::{MountShape, PropagationShape};
pub use mount::flags::MountFlags;
pub use mount::id::{MountId, MountKey, UniqueMountId};
pub use mount::info::MountInfo;
pub use mount::lookup::{FilesystemOf, PathMount};
pub use mount::new_mount_request::{FilesystemOption, MountReport, MountRequest};
pub use mount::origin::{BootId, MountNamespaceId, NotABootId, Origin};
pub use mount::placeholder::Placeholder;
pub use mount::propagation::{PeerGroup, Propagation, PropagationState, PropagationWord, WrongPropagation};
pub use mount::recursion::Recursion;
pub use mount::unmount_request::{MountSubtree, UnmountMode, UnmountRequest};
pub use mount_table::line::OddLine;
pub use mount_table::pasted::{PastedTable, RemovedText};
pub use mount_table::render::{TABLE_HEADS, TreeRow};
pub use mount_table::table::{MountRow, MountTable};
pub use path::clean::clean_path;
pub use path::container_id::{ContainerId, InvalidContainerId};
pub use path::crossing::Crossing;
pub use path::location::Location;
pub use path::printable::printable;
pub use path::relative::{NotRelative, RelativePath};
pub use ports::backend::Backend;
pub use ports::directory::Directory;
#[cfg(any(test, feature = "mock"))]
pub use ports::directory::MockDirectory;
pub use ports::directory_entries::{DirectoryEntries, LendEntries};
pub use ports::filesystem::Filesystem;
#[cfg(any(test, feature = "mock"))]
pub use ports::filesystem::MockFilesystem;
#[cfg(any(test, feature = "mock"))]
pub use ports::mounter::MockMounter;
pub use ports::mounter::Mounter;
#[cfg(any(test, feature = "mock"))]
pub use ports::open_entry::MockOpenEntry;
pub use ports::open_entry::OpenEntry;
pub use recovery::orphan::{LeftMount, LeftRole, Leftovers};
pub use recovery::report::{ReapReport, Unreaped};
pub use recovery::request::Recovery;
pub use recovery::run::Reaping;
pub use recovery::step::ReapStep;
pub use recovery::unproven_mount::{UnprovenMount, UnprovenReason};
pub use sandbox::record::{SandboxDirs, UnsharedMounts};
pub use sandbox::setup::{SandboxSetup, set_up_sandbox};
pub use sandbox::setup_run::SettingUp;
pub use sandbox::setup_step::SetupStep;
pub use sandbox::teardown::{TearDown, tear_down_container, tear_down_sandbox};
pub use sandbox::teardown_report::{TearDownReport, TornDown};
pub use sandbox::teardown_run::TearingDown;
pub use sandbox::teardown_step::TearDownStep;
pub use share::calls::{share_rootfs, share_snapshot_dir, share_volume};
pub use share::ensure::ensure_share;
pub use share::ensured::Ensured;
pub use share::found_again::{FoundAgain, RecordDifference};
pub use share::layout::{LOWER_DIR, ROOTFS_DIR, SANDBOX_MOUNTS_DIR, SNAPSHOT_DIR, UPPER_DIR, WORK_DIR};
pub use share::record::ShareRecord;
pub use share::record_state::{Proof, RecordState, StaleReason};
pub use share::request::Share;
pub use share::run::Sharing;
pub use share::step::ShareStep;
pub use share::unshare::{unshare_rootfs, unshare_snapshot_dir, unshare_volume};
pub use share::unshare_recorded::unshare_recorded;
pub use spec::error::UnusableMount;
pub use spec::mount::Mount;
pub use spec::options::MountOptions;
pub use spec::system_mount::{SYSTEM_MOUNT_PREFIXES, is_system_mount};
pub use spec::unusable_option::UnusableOption;
pub use stepwise::plan::Plan;
pub use stepwise::run::Run;
pub use stepwise::sequence::Sequence;
pub use unmount::outcome::TearDownOutcome;
pub use unmount::stack::TakeOff;
pub use unmount::unshare_outcome::{NameAfter, UnshareOutcome};
