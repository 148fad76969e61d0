//! Errors of the functions for Kata Containers.

use camino::Utf8PathBuf;

use crate::error::{Errno, Error, OsError};
use crate::path::ContainerId;

/// The reason for which a step of [`Sandbox::unshare_all`](crate::kata::Sandbox::unshare_all) or
/// [`Sandbox::cleanup_nydus`](crate::kata::Sandbox::cleanup_nydus) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KataError {
    /// A host path that is not proven to be a container's own and was not unmounted.
    #[error(
        "{host_path} is not proven to be a mount of container {container}: it is neither below {mounts_dir}/{container} \
         nor named {mounts_dir}/{container}-<16 hex digits>-<name>, and no mount id was recorded for it"
    )]
    NotOurs {
        /// The container that claims it.
        container: ContainerId,
        /// The directory in which its mounts have to be.
        mounts_dir: Utf8PathBuf,
        /// The path.
        host_path: Utf8PathBuf,
    },
    /// This hypervisor has no daemon for nydus images.
    #[error("hypervisor {0:?} has no nydus daemon: only qemu and clh have")]
    NydusNotSupported(String),
    /// A container is on a nydus image, and no daemon was given.
    #[error("the container uses a nydus image, and the caller passed no nydus daemon to unmount it")]
    NoRafsDaemon,
    /// The nydus daemon cannot be reached or refuses, in its own words.
    #[error("the nydus daemon returned an error: {0}")]
    Rafs(String),
    /// Any other failure.
    #[error(transparent)]
    Core(#[from] Error),
}

impl From<OsError> for KataError {
    fn from(error: OsError) -> Self {
        Self::Core(error.into())
    }
}

impl KataError {
    /// The errno of the system call that failed, where one did.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Core(error) => error.errno(),
            _ => None,
        }
    }
}
