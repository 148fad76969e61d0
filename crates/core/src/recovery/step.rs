//! The steps of a recovery.

use std::fmt;
use std::path::PathBuf;

use crate::recovery::LeftMount;

/// One step of a [`Recovery`](crate::recovery::Recovery).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReapStep {
    /// A mount goes with all that is mounted below it.
    TakeOff {
        /// The mount.
        left: Box<LeftMount>,
        /// It is cut off from its peers first, with all below it: some of what is mounted there may have come from them, and
        /// would go there too.
        cut_off: bool,
    },
    /// What was covered may be in sight now.
    LookAgain,
    /// Empty names that sharing made go.
    RemoveNames(PathBuf),
    /// One of the sandbox's directories goes, where it is empty.
    RemoveDirectory(PathBuf),
}

impl fmt::Display for ReapStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeOff { left, cut_off } => {
                write!(f, "take off {left}")?;
                f.write_str(if *cut_off { ", cut off from its peers first" } else { "" })
            }
            Self::LookAgain => f.write_str("look what is left, and go on with that"),
            Self::RemoveNames(root) => write!(f, "remove the empty names that sharing made in {}", root.display()),
            Self::RemoveDirectory(path) => write!(f, "remove {} if it is empty", path.display()),
        }
    }
}
