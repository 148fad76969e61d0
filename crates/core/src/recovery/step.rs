//! The steps of a recovery.

use std::fmt;
use std::path::PathBuf;

use crate::recovery::Orphan;

/// One step of a [`Recovery`](crate::recovery::Recovery).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReapStep {
    /// Unmounts a mount with all mounts below it.
    UnmountStrategy {
        /// The mount.
        left: Box<Orphan>,
        /// True where it is made private first, with all mounts below it: some of those may have been propagated from
        /// its peers, and the unmount would propagate there too.
        cut_off: bool,
    },
    /// Looks up the mounts again: covered ones may be reachable now.
    LookAgain,
    /// Removes empty names that sharing created.
    RemoveNames(PathBuf),
    /// Removes one of the sandbox's directories, where it is empty.
    RemoveDirectory(PathBuf),
}

impl fmt::Display for ReapStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnmountStrategy { left, cut_off } => {
                write!(f, "unmount {left}")?;
                f.write_str(if *cut_off { ", made private first" } else { "" })
            }
            Self::LookAgain => f.write_str("look up the remaining mounts and continue with them"),
            Self::RemoveNames(root) => write!(f, "remove the empty names that sharing created in {}", root.display()),
            Self::RemoveDirectory(path) => write!(f, "remove {} if it is empty", path.display()),
        }
    }
}
