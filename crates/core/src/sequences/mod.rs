//! Floor 4: sequences. They change the world, in an order that matters.

pub(crate) mod bind_mount;
pub(crate) mod container_mounts;
#[cfg(feature = "serde")]
pub(crate) mod direct_volume_file;
pub(crate) mod fs_group;
pub(crate) mod host_mounts;
pub(crate) mod nydus;
pub(crate) mod placeholder;
pub(crate) mod remount;
pub(crate) mod sandbox_dirs;
pub(crate) mod share;
pub(crate) mod share_name;
pub(crate) mod share_record;
pub(crate) mod unshare;
pub(crate) mod unshare_all;
pub(crate) mod unshare_outcome;
pub(crate) mod unshare_recorded;
