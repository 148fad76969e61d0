//! Mounts as specifications write them: options, system mounts, the types of `oci-spec`.

pub(crate) mod error;
pub(crate) mod fs_group;
pub(crate) mod mount;
#[cfg(feature = "oci-spec")]
pub(crate) mod oci;
pub(crate) mod option_setters;
pub(crate) mod option_word;
pub(crate) mod options;
pub(crate) mod requests;
pub(crate) mod system_mount;
pub(crate) mod unusable_option;
pub(crate) mod volume_access;

pub use error::UnusableMount;
pub use fs_group::{BadVolumeRecord, FS_GROUP, FS_GROUP_CHANGE_POLICY, FsGroup, FsGroupChangePolicy};
pub use mount::Mount;
pub use options::MountOptions;
pub use requests::UnservedOptions;
pub use system_mount::SYSTEM_MOUNT_PREFIXES;
pub use unusable_option::UnusableOption;
pub use volume_access::VolumeAccess;
