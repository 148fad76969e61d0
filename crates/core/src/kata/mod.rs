//! Direct-assigned volumes, Docker volumes, nydus, and the functions of `virtcontainers/mount.go` that need them.

#[cfg(feature = "serde")]
pub(crate) mod direct_volume;
#[cfg(feature = "serde")]
pub(crate) mod direct_volume_file;
pub(crate) mod direct_volume_path;
pub(crate) mod docker_volume;
pub(crate) mod host_mounts;
pub(crate) mod not_ours;
pub(crate) mod nydus;
pub(crate) mod nydus_cleanup;
pub(crate) mod rafs_daemon;
pub(crate) mod rafs_error;
pub(crate) mod sandbox;
pub(crate) mod shm_size;
pub(crate) mod unshare_all;
