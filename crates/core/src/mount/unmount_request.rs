//! A mount to be taken off.

use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::{MountInfo, MountKey};
use crate::path::Location;

/// How a mount is taken off (umount2(2)). No mode follows a symlink at the end of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum UnmountMode {
    /// Now or not at all: `EBUSY` while something uses it or is mounted on it.
    #[default]
    Plain,
    /// Out of sight at once with all that is mounted on it; it ends when its last user lets go (`MNT_DETACH`).
    #[doc(alias = "MNT_DETACH")]
    Detach,
    /// As `Plain`, and a filesystem on a network is told to give up waiting (`MNT_FORCE`): data may be lost.
    #[doc(alias = "MNT_FORCE")]
    Force,
    /// `Force` and `Detach`.
    ForceDetach,
    /// The first call marks it and answers `EAGAIN`; the next takes it off unless it was used in between (`MNT_EXPIRE`).
    #[doc(alias = "MNT_EXPIRE")]
    Expire,
}

/// A mount to be taken off: the input of [`Mounter::unmount`](crate::ports::Mounter::unmount).
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

/// The part of a filesystem that a mount shows.
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
    /// Takes off the topmost mount at `at`, now or not at all.
    pub fn new(at: Location) -> Self {
        Self { at, mode: UnmountMode::Plain, only: None, shows: None, apart: false, whole_path: false }
    }

    /// Unmounts this mount and no other, as a look at it or the mount table has described it.
    ///
    /// The mount point is reached by descriptors, however long its path is; no symlink is followed. Id, device and root are
    /// compared as by [`only`](Self::only) and [`showing`](Self::showing).
    pub fn of_mount(mount: &MountInfo) -> Self {
        let at = Location::Trusted(mount.mount_point.clone());
        let request = Self::new(at).only(mount.key()).showing(MountSubtree::from(mount));
        Self { whole_path: true, ..request }
    }

    /// Takes it off this way.
    pub fn with_mode(mut self, mode: UnmountMode) -> Self {
        self.mode = mode;
        self
    }

    /// Takes it off only if it is this mount; any other is left alone and the answer is `ESTALE`. With
    /// [`UnmountMode::Expire`] the answer is `EOPNOTSUPP`: to look which mount it is would be to use it.
    pub fn only(mut self, mount: MountKey) -> Self {
        self.only = Some(mount);
        self
    }

    /// Unmounts it only if it shows this part of this filesystem, or did before that was removed; else the error is `ESTALE`.
    /// Where the kernel has no `statmount(2)` (before 6.8) this is not compared: look at the mount table first. Without
    /// [`only`](Self::only) it has no effect.
    pub fn showing(mut self, subtree: MountSubtree) -> Self {
        self.shows = Some(subtree);
        self
    }

    /// Makes the mount and all below it private first, by the descriptor that the identity was checked on: nothing is
    /// unmounted at the peers of the mounts below it. With [`UnmountMode::Detach`] and [`UnmountMode::ForceDetach`] only;
    /// with another mode the error is `EOPNOTSUPP`.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Where the mount is.
    pub fn at(&self) -> &Location {
        &self.at
    }

    /// How it is taken off.
    pub fn mode(&self) -> UnmountMode {
        self.mode
    }

    /// The one mount that may be taken off; `None`: whichever is topmost.
    pub fn expected(&self) -> Option<MountKey> {
        self.only
    }

    /// True where the location is a mount point as the kernel gives it, of any length ([`of_mount`](Self::of_mount)).
    pub fn has_whole_path(&self) -> bool {
        self.whole_path
    }

    /// The part of a filesystem that the mount must show.
    pub fn shows(&self) -> Option<&MountSubtree> {
        self.shows.as_ref()
    }

    /// True where the mount is made private before it is unmounted.
    pub fn is_apart(&self) -> bool {
        self.apart
    }
}
