//! Outcomes of a tear-down for one mount.

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::path::printable;
use crate::unmount::NameAfter;
use crate::unmount::StaleReason;

/// The outcome of a tear-down at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TearDownOutcome {
    /// Every layer that was mounted there is unmounted.
    Detached {
        /// The number of layers.
        layers: u32,
        /// The outcome for the name.
        name: NameAfter,
    },
    /// The name existed and nothing was mounted on it.
    NotMounted {
        /// The outcome for the name.
        name: NameAfter,
    },
    /// The name did not exist.
    Missing,
    /// A symlink is in the place of the directory or file. Nothing was unmounted or removed.
    RefusedSymlink,
    /// Another mount covers it. Nothing was unmounted or removed.
    Covered,
    /// Something is still mounted there and cannot be unmounted: the kernel has locked it, or another process is
    /// mounting there.
    StillMounted,
    /// It is in use. Only mounts below it were unmounted.
    Busy {
        /// The mount points of mounts below it that are themselves in use; empty where a process uses it.
        by: Vec<PathBuf>,
    },
    /// The record proves nothing here. Nothing was unmounted. If the record is of another or an unknown boot, names
    /// that still lead to the recorded files and are empty were removed.
    Stale {
        /// The reason.
        reason: StaleReason,
        /// The outcome for the name.
        name: NameAfter,
    },
    /// Any other failure.
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
            Self::Missing => f.write_str("did not exist"),
            Self::RefusedSymlink => f.write_str("refused: it is a symlink"),
            Self::Covered => f.write_str("refused: another mount covers it"),
            Self::StillMounted => f.write_str("still mounted: it cannot be unmounted"),
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
