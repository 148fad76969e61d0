//! A mount on a sandbox's directory that is not proven to be the sandbox's.

use std::fmt;
use std::path::PathBuf;

use crate::mount::MountInfo;

/// A mount or symlink on the mounts directory, or at or below the guest's, that is not proven to be the sandbox's.
/// Recovery leaves it and does not examine the mounts below it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct UnprovenMount {
    /// Its path.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub path: PathBuf,
    /// The mount; `None` for a symlink.
    pub mount: Option<MountInfo>,
    /// The reason for which it is not proven.
    pub reason: UnprovenReason,
}

/// Reason for which a mount or symlink is not proven to be the sandbox's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum UnprovenReason {
    /// A symlink is in the place of the directory.
    Symlink,
    /// It shows another filesystem than the mounts directory.
    AnotherFilesystem,
    /// It shows another directory than the mounts directory.
    AnotherDirectory,
    /// It is writable; the set-up's mount never is.
    Writable,
    /// Its master is another peer group than that of the mounts directory.
    AnotherGroup,
    /// It is below the guest's directory, and not on the set-up's mount.
    NotOnShared,
    /// It is on the mounts directory, and no mount of the set-up shows it to the guest.
    NotSetUp,
    /// It was mounted on one of the sandbox's directories after the recovery had begun.
    MountedSince,
}

impl fmt::Display for UnprovenReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symlink => "it is a symlink",
            Self::AnotherFilesystem => "it shows another filesystem than the mounts directory",
            Self::AnotherDirectory => "it shows another directory than the mounts directory",
            Self::Writable => "it is writable",
            Self::AnotherGroup => "its master is another peer group than that of the mounts directory",
            Self::NotOnShared => "it is not on the sandbox's shared mount",
            Self::NotSetUp => "no mount of a set-up shows it to the guest",
            Self::MountedSince => "it was mounted after the recovery had begun",
        })
    }
}

impl fmt::Display for UnprovenMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: not proven to be the sandbox's: {}", self.path.display(), self.reason)
    }
}
