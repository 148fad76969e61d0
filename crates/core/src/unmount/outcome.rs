//! What a tear-down did to one mount.

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::path::printable;
use crate::unmount::NameAfter;
use crate::unmount::StaleReason;

/// What a tear-down did at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TearDownOutcome {
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
    /// A symlink stands where a directory or file has to be. Nothing was unmounted, nothing removed.
    RefusedSymlink,
    /// Something else is mounted on top. Nothing was unmounted, nothing removed.
    Covered,
    /// Something is still mounted there and cannot be taken off: the kernel has locked it, or somebody is mounting there.
    StillMounted,
    /// It is in use. Nothing but what was mounted on it was unmounted.
    Busy {
        /// The mount points of what is mounted on it and is itself in use; empty: a process uses it.
        by: Vec<PathBuf>,
    },
    /// The record proves nothing here. Nothing was unmounted. Of a record of another or an unknown boot, names that
    /// still lead to the recorded files and are empty are removed.
    Stale {
        /// Why it proves nothing.
        reason: StaleReason,
        /// What became of the name.
        name: NameAfter,
    },
    /// Something else went wrong.
    Failed(Error),
}

impl TearDownOutcome {
    /// True where nothing is mounted there any more.
    pub fn is_off(&self) -> bool {
        match self {
            Self::Detached { .. } | Self::NotMounted { .. } | Self::Missing => true,
            // No mount outlives its boot.
            Self::Stale { reason, .. } => *reason == StaleReason::AnotherBoot,
            _ => false,
        }
    }
}

impl fmt::Display for TearDownOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detached { layers: 1, name } => write!(f, "detached, {name}"),
            Self::Detached { layers, name } => write!(f, "detached in {layers} layers, {name}"),
            Self::NotMounted { name } => write!(f, "was not mounted, {name}"),
            Self::Missing => f.write_str("was not there"),
            Self::RefusedSymlink => f.write_str("refused: a symlink stands there"),
            Self::Covered => f.write_str("refused: another mount covers it"),
            Self::StillMounted => f.write_str("still mounted: it cannot be taken off"),
            Self::Busy { by } if by.is_empty() => f.write_str("in use by a process"),
            Self::Busy { by } => {
                f.write_str("in use: ")?;
                for (index, path) in by.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { ", " }, printable(path))?;
                }
                f.write_str(" is mounted on it and in use")
            }
            Self::Stale { reason, name } => write!(f, "stale record: {reason}; {name}"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}
