//! What a tear-down did.

use std::fmt;
use std::path::PathBuf;

use crate::error::OsError;
use crate::unmount::TearDownOutcome;

/// One place of a tear-down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TornDown {
    /// Where the mount was, for a person to read.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: TearDownOutcome,
}

/// What a tear-down did, place by place, in the order in which it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct TearDownReport {
    /// Every mount that was to go.
    pub mounts: Vec<TornDown>,
    /// Directories and files that were made for the sandbox and stay, each with the reason.
    pub kept: Vec<OsError>,
}

impl TearDownReport {
    /// True where everything is off and nothing was kept.
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
