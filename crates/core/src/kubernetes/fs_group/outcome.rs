//! What became of a volume whose files were to get a group.

use std::path::PathBuf;

use crate::error::OsError;
use crate::path::printable;

/// How far it got; handed to the caller's callback after each name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FsGroupProgress {
    /// Names that were looked at, those that could not be changed included; at the end the root too.
    pub examined: u64,
    /// Of these, those whose group or mode was changed. The others had both.
    pub changed: u64,
    /// Of these, those that could not be changed or read.
    pub failed: u64,
}

/// What was done to a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsGroupReport {
    /// How much was looked at and changed.
    pub progress: FsGroupProgress,
    /// Names where another mount begins: neither changed nor entered.
    pub other_mounts: u64,
    /// Names that vanished meanwhile.
    pub vanished: u64,
    /// The first failures, at most [`FAILURES_KEPT`].
    pub failures: Vec<OsError>,
    /// Whether the root was changed, or had group and bits already. It is the last to be.
    pub root_done: bool,
}

/// How many failures a report names; the others it counts.
pub const FAILURES_KEPT: usize = 16;

/// What became of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum FsGroupOutcome {
    /// Its root has group and bits, and the policy asks for no more: nothing was changed.
    NotNeeded,
    /// It was gone through to the end, the root last.
    Applied(FsGroupReport),
    /// The callback ended it. The root is as it was, so that a later run starts again.
    Cancelled(FsGroupReport),
}

/// Why a volume's files do not all have their group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FsGroupError {
    /// The root could not be opened or looked at. Nothing was changed.
    #[error(transparent)]
    Root(OsError),
    /// Something could not be changed or read. The root is as it was, unless it is what failed.
    #[error(
        "{} of {} names in {} could not be given their group", .report.progress.failed, .report.progress.examined, printable(.volume)
    )]
    Incomplete {
        /// The volume, for a person to read.
        volume: PathBuf,
        /// What was done.
        report: Box<FsGroupReport>,
        /// The first failure.
        source: Box<OsError>,
    },
}

impl FsGroupReport {
    pub(super) fn failure(&mut self, error: OsError) {
        self.progress.failed += 1;
        if self.failures.len() < FAILURES_KEPT {
            tracing::warn!(target: "mountwright", subsystem = "mount", %error, "could not give its group to a volume's file");
            self.failures.push(error);
        }
    }
}
