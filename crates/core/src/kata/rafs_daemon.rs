//! The port to a nydus daemon.

use crate::kata::KataError;

/// Result of the unmount of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RafsUnmount {
    /// It was mounted and is unmounted now.
    Done,
    /// Nothing was mounted.
    NotMounted,
}

/// A virtio-fs daemon that serves nydus images (RAFS) to a guest.
///
/// The guest's filesystem tree lives in the daemon: its mounts there are in no mount table of the host.
#[cfg_attr(test, mockall::automock)]
pub trait RafsDaemon: Send + Sync {
    /// Unmounts the image at `path`, a path in the daemon's own tree (`/rafs/<container>/lowerdir`).
    ///
    /// # Errors
    ///
    /// [`KataError::Rafs`] where the daemon cannot be reached or refuses. Where nothing is mounted, the result is
    /// [`RafsUnmount::NotMounted`] and no error, so that a clean-up can be repeated.
    fn unmount(&self, path: &str) -> Result<RafsUnmount, KataError>;
}
