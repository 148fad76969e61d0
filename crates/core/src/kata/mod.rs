//! Direct-assigned volumes, Docker volumes, nydus, and the functions of `virtcontainers/mount.go` that need them.

#[cfg(feature = "serde")]
pub(crate) mod direct_volume;
#[cfg(feature = "serde")]
pub(crate) mod direct_volume_file;
pub(crate) mod direct_volume_path;
pub(crate) mod direct_volume_sandboxes;
pub(crate) mod docker_volume;
pub(crate) mod error;
pub(crate) mod host_mounts;
pub(crate) mod nydus;
pub(crate) mod nydus_cleanup;
pub(crate) mod rafs_daemon;
pub(crate) mod sandbox;
pub(crate) mod shm_size;
pub(crate) mod unshare_all;

#[cfg(feature = "serde")]
pub use direct_volume::{DirectVolume, DirectVolumeType};
#[cfg(feature = "serde")]
pub use direct_volume_file::{DirectVolumeError, MOUNT_INFO_MAX};
pub use direct_volume_path::{DIRECT_VOLUME_PATH_MAX, DIRECT_VOLUMES_ROOT, DirectVolumes, MOUNT_INFO_FILE};
pub use docker_volume::{DOCKER_DATA_ROOT, DOCKER_VOLUME_PREFIX, DOCKER_VOLUME_SUFFIX, is_docker_volume};
pub use error::KataError;
pub use rafs_daemon::{RafsDaemon, RafsUnmount};
pub use sandbox::{Container, NYDUS_ROOTFS_TYPE, Sandbox};
pub use shm_size::DEFAULT_SHM_SIZE;
