//! The port to a nydus daemon.

use crate::kata::RafsError;

/// Result of the unmount of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RafsUnmount {
    /// It was there and is gone.
    Done,
    /// Nothing was there.
    NotMounted,
}

/// A virtio-fs daemon that serves nydus images (RAFS) to a guest.
///
/// The guest's filesystem tree lives in the daemon: what it mounts there no mount table of the host shows.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait RafsDaemon: Send + Sync {
    /// Takes off the image at `path`, a path in the daemon's own tree (`/rafs/<container>/lowerdir`).
    ///
    /// # Errors
    ///
    /// [`RafsError`] where the daemon cannot be reached or refuses. That nothing is mounted there is not an error but
    /// [`RafsUnmount::NotMounted`], so that a clean-up can be repeated.
    fn unmount(&self, path: &str) -> Result<RafsUnmount, RafsError>;
}
