//! What taking off a share did.

use std::fmt;

use crate::unmount::StaleReason;

/// What taking off a share did. No outcome but [`Detached`](Self::Detached) has unmounted anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum UnshareOutcome {
    /// Every layer that was mounted there is off.
    Detached {
        /// How many there were.
        layers: u32,
        /// What became of the name.
        name: NameAfter,
    },
    /// The name was there and nothing was mounted on it.
    NotMounted {
        /// What became of the name.
        name: NameAfter,
    },
    /// There was no such name.
    Missing,
    /// A symlink stands where a directory has to be: a guest's doing, or a mistake. Nothing was unmounted, nothing removed.
    RefusedSymlink,
    /// The mount that was to go is covered by another one. Nothing was unmounted, nothing removed.
    Covered,
    /// The record proves nothing here. Nothing was unmounted. Of a record of another or an unknown boot, names that
    /// still lead to the recorded files and are empty are removed.
    Stale {
        /// Why it proves nothing.
        reason: StaleReason,
        /// What became of the name.
        name: NameAfter,
    },
}

/// What became of the placeholder that a share was mounted on, and of the container's directory that it was the last in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum NameAfter {
    /// It was empty and is removed; so is the container's directory, unless something else is in it.
    Removed,
    /// It is still there, or the empty directory that it was in: it is not empty, or could not be removed. A warning says why.
    Kept,
}

impl fmt::Display for UnshareOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detached { layers: 1, name } => write!(f, "detached, {name}"),
            Self::Detached { layers, name } => write!(f, "detached in {layers} layers, {name}"),
            Self::NotMounted { name } => write!(f, "was not mounted, {name}"),
            Self::Missing => f.write_str("was not there"),
            Self::RefusedSymlink => f.write_str("refused: a symlink stands there"),
            Self::Covered => f.write_str("refused: another mount covers it"),
            Self::Stale { reason, name } => write!(f, "stale record: {reason}; {name}"),
        }
    }
}

impl fmt::Display for NameAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "its name removed",
            Self::Kept => "its name kept",
        })
    }
}
