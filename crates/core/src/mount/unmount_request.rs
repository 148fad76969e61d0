//! Requests to unmount.

use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::{MountInfo, MountKey};
use crate::path::Location;

/// The mode of an unmount (umount2(2)). No mode follows a symlink at the end of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum UnmountMode {
    /// Unmount now or fail with `EBUSY`, where something uses the mount or is mounted on it.
    #[default]
    Plain,
    /// Lazy unmount (`MNT_DETACH`): the mount and its children disappear at once, and the kernel frees them when their
    /// last user has closed.
    #[doc(alias = "MNT_DETACH")]
    Detach,
    /// `Plain`, and a network filesystem aborts requests that wait for its server (`MNT_FORCE`): data may be lost.
    #[doc(alias = "MNT_FORCE")]
    Force,
    /// `Force` and `Detach`.
    ForceDetach,
    /// The first call marks the mount and fails with `EAGAIN`; the next one unmounts it unless it was used in between
    /// (`MNT_EXPIRE`).
    #[doc(alias = "MNT_EXPIRE")]
    Expire,
}

/// A request to unmount: the input of [`Mounter::unmount`](crate::ports::Mounter::unmount).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnmountRequest {
    at: Location,
    mode: UnmountMode,
    only: Option<MountKey>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    shows: Option<MountSubtree>,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    apart: bool,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    whole_path: bool,
}

/// The subtree of a filesystem that a mount shows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountSubtree {
    /// The device number of the filesystem.
    pub device: DeviceNumber,
    /// The directory or file of the filesystem that is mounted: `/` for all of it.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub root: PathBuf,
}

impl From<&MountInfo> for MountSubtree {
    fn from(mount: &MountInfo) -> Self {
        Self { device: mount.device, root: mount.root.clone() }
    }
}

impl UnmountRequest {
    /// Unmounts the topmost mount at `at`, with [`UnmountMode::Plain`].
    pub fn new(at: Location) -> Self {
        Self { at, mode: UnmountMode::Plain, only: None, shows: None, apart: false, whole_path: false }
    }

    /// Unmounts this mount and no other, as a look-up of it or the mount table has described it.
    ///
    /// The mount point is reached by descriptors, however long its path is; no symlink is followed. Id, device and root are
    /// compared as by [`only`](Self::only) and [`showing`](Self::showing).
    pub fn of_mount(mount: &MountInfo) -> Self {
        let at = Location::Trusted(mount.mount_point.clone());
        let request = Self::new(at).only(mount.key()).showing(MountSubtree::from(mount));
        Self { whole_path: true, ..request }
    }

    /// Sets the mode.
    pub fn with_mode(mut self, mode: UnmountMode) -> Self {
        self.mode = mode;
        self
    }

    /// Unmounts it only if it is this mount; any other stays and the error is `ESTALE`. With [`UnmountMode::Expire`]
    /// the error is `EOPNOTSUPP`: reading the id counts as use and would clear the `MNT_EXPIRE` mark.
    pub fn only(mut self, mount: MountKey) -> Self {
        self.only = Some(mount);
        self
    }

    /// Unmounts it only if it shows this subtree of this filesystem, or did before the subtree was removed; else the
    /// error is `ESTALE`. Where the kernel has no `statmount(2)` (before 6.8) this is not compared: check the mount
    /// table first. Without [`only`](Self::only) it has no effect.
    pub fn showing(mut self, subtree: MountSubtree) -> Self {
        self.shows = Some(subtree);
        self
    }

    /// Makes the mount and all mounts below it private first, on the descriptor whose identity was checked, so that
    /// nothing is unmounted at the peers of the mounts below it. For [`UnmountMode::Detach`] and
    /// [`UnmountMode::ForceDetach`] only; with another mode the error is `EOPNOTSUPP`.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// The location of the mount.
    pub fn at(&self) -> &Location {
        &self.at
    }

    /// The mode.
    pub fn mode(&self) -> UnmountMode {
        self.mode
    }

    /// The one mount that may be unmounted; `None`: whichever is topmost.
    pub fn expected(&self) -> Option<MountKey> {
        self.only
    }

    /// True where the location is a mount point as the kernel gives it, of any length ([`of_mount`](Self::of_mount)).
    pub fn has_whole_path(&self) -> bool {
        self.whole_path
    }

    /// The subtree of a filesystem that the mount must show.
    pub fn shows(&self) -> Option<&MountSubtree> {
        self.shows.as_ref()
    }

    /// True where the mount is made private before it is unmounted.
    pub fn is_apart(&self) -> bool {
        self.apart
    }
}
