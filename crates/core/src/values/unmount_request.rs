//! A mount to be taken off.

use crate::{Location, MountKey};

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

/// A mount to be taken off: the input of [`Mounter::unmount`](crate::Mounter::unmount).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UnmountRequest {
    at: Location,
    mode: UnmountMode,
    only: Option<MountKey>,
}

impl UnmountRequest {
    /// Takes off the topmost mount at `at`, now or not at all.
    pub fn new(at: Location) -> Self {
        Self { at, mode: UnmountMode::Plain, only: None }
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
}
