//! Names of shares, and their removal by name.

use std::fmt;

use camino::Utf8Path;

use crate::error::Error;
use crate::path::ContainerId;
use crate::ports::Backend;
use crate::share::unshare::unshare;
use crate::share::{ROOTFS_DIR, SNAPSHOT_DIR};
use crate::unmount::Removal;

/// The name of a share below its container's directory.
///
/// `Display` is the name of the directory or file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ShareName {
    /// The root filesystem: `rootfs`.
    Rootfs,
    /// The nydus snapshot directory: `snapshotdir`.
    SnapshotDir,
    /// A volume: one component, and neither of these two.
    Volume(String),
}

impl ShareName {
    /// The name of a volume.
    pub fn volume(name: impl Into<String>) -> Self {
        Self::Volume(name.into())
    }

    /// Unmounts the share of a container with this name, at `<mounts>/<id>/<name>`: every layer, lazily, without
    /// following a symlink. Then removes the empty directory or file, and `<mounts>/<id>` where that was its last name.
    ///
    /// * Below `<mounts>` no symlink is followed: a symlink is refused with a warning and reported as such.
    /// * A missing name is not an error. A container's directory that is a mount point is left ([`Removal::Refused`]), a
    ///   mount that cannot be unmounted is [`Removal::StillMounted`].
    /// * A directory is removed only where it is no mount point and empty, and only that one level: shared data cannot
    ///   be lost. Where it cannot be removed, the outcome reports that it was kept.
    /// * Only the mounts on this name are unmounted.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPath`]: the name is not one component. [`Error::Os`]: `EPERM`, `EACCES`; `ELOOP`, `EXDEV`: the name
    /// led elsewhere once a layer was unmounted. [`Error::Unsettled`]: another process mounts there as fast as it is
    /// unmounted. Layers that were unmounted before the error stay unmounted; a further call continues.
    #[doc(alias = "bindUnmountContainerRootfs")]
    #[doc(alias = "bindUnmountContainerSnapshotDir")]
    pub fn unshare(&self, backend: &dyn Backend, mounts_dir: &Utf8Path, id: &ContainerId) -> Result<Removal, Error> {
        let span = tracing::debug_span!(target: "mountwright", "unshare", subsystem = "mount",
            "shared-dir" = %mounts_dir, "container-id" = %id, name = self.as_str());
        span.in_scope(|| unshare(backend.filesystem(), backend.mounter(), mounts_dir, id, self.as_str()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rootfs => ROOTFS_DIR,
            Self::SnapshotDir => SNAPSHOT_DIR,
            Self::Volume(name) => name,
        }
    }
}

impl fmt::Display for ShareName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
