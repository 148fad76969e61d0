//! The steps of a tear-down.

use std::fmt;

use camino::Utf8PathBuf;

use crate::mount::{MountKey, Placeholder};
use crate::share::ShareRecord;

/// One step of a [`TearDown`](crate::sandbox::TearDown).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TearDownStep {
    /// Unmounts the mount of the host's directory onto itself with all mounts below it, if that unmounts nothing
    /// elsewhere except copies of them.
    TakeTree {
        /// The host's directory.
        mounts_dir: Utf8PathBuf,
        /// The mount.
        mount: MountKey,
    },
    /// Unmounts every layer on a share's name, and removes the files that were created for it.
    TakeShare(Box<ShareRecord>),
    /// Unmounts a mount of the sandbox's own directories.
    TakeOwn {
        /// Its path.
        path: Utf8PathBuf,
        /// The mount.
        mount: MountKey,
    },
    /// Reports every mount that is still on a name of the mounts directory, and that no record has.
    NameOthers(Utf8PathBuf),
    /// Removes directories that were created, the last one first.
    RemoveMade(Vec<Placeholder>),
}

impl fmt::Display for TearDownStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeTree { mounts_dir, .. } => {
                write!(f, "unmount {mounts_dir} with all mounts below it, if that unmounts only copies elsewhere")
            }
            Self::TakeShare(record) => {
                write!(f, "unmount every layer on {} and remove what was created for it", record.path.display())
            }
            Self::TakeOwn { path, .. } => write!(f, "unmount {path}"),
            Self::NameOthers(mounts_dir) => write!(f, "report every other mount on the names of {mounts_dir}"),
            Self::RemoveMade(made) => {
                f.write_str("remove if empty:")?;
                made.iter().rev().try_for_each(|made| write!(f, " {}", made.at.for_display().display()))
            }
        }
    }
}
