//! Outcomes of removing a share.

use std::fmt;

use crate::unmount::StaleReason;

/// The outcome of removing a share. Only with [`Detached`](Self::Detached) was anything unmounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum UnshareOutcome {
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
    /// A symlink is in the place of the directory, created by a guest or by mistake. Nothing was unmounted or removed.
    RefusedSymlink,
    /// Another mount covers the mount. Nothing was unmounted or removed.
    Covered,
    /// The record proves nothing here. Nothing was unmounted. If the record is of another or an unknown boot, names
    /// that still lead to the recorded files and are empty were removed.
    Stale {
        /// The reason.
        reason: StaleReason,
        /// The outcome for the name.
        name: NameAfter,
    },
}

/// The outcome for the placeholder of a share, and for the container's directory once it holds no other share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum NameAfter {
    /// It was empty and is removed; so is the container's directory, unless it holds something else.
    Removed,
    /// It still exists, or its parent does: it is not empty, or could not be removed. A warning has the reason.
    Kept,
}

impl fmt::Display for UnshareOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detached { layers: 1, name } => write!(f, "detached, {name}"),
            Self::Detached { layers, name } => write!(f, "detached in {layers} layers, {name}"),
            Self::NotMounted { name } => write!(f, "was not mounted, {name}"),
            Self::Missing => f.write_str("did not exist"),
            Self::RefusedSymlink => f.write_str("refused: it is a symlink"),
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
