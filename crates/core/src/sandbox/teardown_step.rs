//! The steps of a tear-down.

use std::fmt;

use camino::Utf8PathBuf;

use crate::mount::{MountKey, Placeholder};
use crate::share::ShareRecord;

/// One step of a [`TearDown`](crate::sandbox::TearDown).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TearDownStep {
    /// The mount of the host's directory onto itself goes with all that is mounted below it, if that takes nothing off
    /// elsewhere that is not a copy of it.
    TakeTree {
        /// The host's directory.
        mounts_dir: Utf8PathBuf,
        /// The mount.
        mount: MountKey,
    },
    /// Every layer on a share's name goes, and what was made for it.
    TakeShare(Box<ShareRecord>),
    /// A mount of the sandbox's own directories goes.
    TakeOwn {
        /// Where it is.
        path: Utf8PathBuf,
        /// The mount.
        mount: MountKey,
    },
    /// Directories that were made go, last made first.
    RemoveMade(Vec<Placeholder>),
}

impl fmt::Display for TearDownStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeTree { mounts_dir, .. } => write!(
                f,
                "take the mount of {mounts_dir} onto itself off with all below it, if that reaches nothing but its copies"
            ),
            Self::TakeShare(record) => {
                write!(f, "take everything off {} and remove what was made for it", record.path.display())
            }
            Self::TakeOwn { path, .. } => write!(f, "take the mount off {path}"),
            Self::RemoveMade(made) => {
                f.write_str("remove, where it is still there and empty:")?;
                made.iter().rev().try_for_each(|made| write!(f, " {}", made.at.for_display().display()))
            }
        }
    }
}
