//! Results of a tear-down.

use std::fmt;
use std::path::PathBuf;

use crate::error::OsError;
use crate::unmount::TearDownOutcome;

/// One place of a tear-down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornDown {
    /// The former mount point, for messages.
    pub path: PathBuf,
    /// The outcome.
    pub outcome: TearDownOutcome,
}

/// The result of a tear-down, place by place, in the order of the steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct TearDownReport {
    /// Every mount that was to be unmounted.
    pub mounts: Vec<TornDown>,
    /// Directories and files that were created for the sandbox and stay, each with the reason.
    pub kept: Vec<OsError>,
}

impl TearDownReport {
    /// True where everything is unmounted and nothing was kept.
    pub fn is_clean(&self) -> bool {
        self.kept.is_empty() && self.mounts.iter().all(|mount| mount.outcome.is_off())
    }

    /// The places where something is still mounted, or may be.
    pub fn failures(&self) -> impl Iterator<Item = &TornDown> {
        self.mounts.iter().filter(|mount| !mount.outcome.is_off())
    }
}

impl fmt::Display for TearDownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mount in &self.mounts {
            writeln!(f, "{}: {}", mount.path.display(), mount.outcome)?;
        }
        for kept in &self.kept {
            writeln!(f, "{kept}")?;
        }
        Ok(())
    }
}
