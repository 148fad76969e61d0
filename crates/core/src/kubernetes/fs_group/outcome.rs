//! Results of changing the group of a volume's files.

use std::path::PathBuf;

use crate::error::OsError;
use crate::path::printable;

/// The changes to a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsGroupReport {
    /// Names that were examined, those that could not be changed included; at the end the root too.
    pub examined: u64,
    /// Examined names whose group or mode was changed. The others had both.
    pub changed: u64,
    /// Examined names that could not be changed or read.
    pub failed: u64,
    /// Mount points of other mounts, which were neither changed nor entered.
    pub other_mounts: u64,
    /// Names that disappeared during the run.
    pub vanished: u64,
    /// The first failures, at most [`FAILURES_KEPT`].
    pub failures: Vec<OsError>,
    /// True where the root was changed, or had group and bits already. It is changed last.
    pub root_done: bool,
}

/// The maximum number of failures that a report lists; it counts all of them.
pub const FAILURES_KEPT: usize = 16;

/// The result for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum FsGroupOutcome {
    /// Its root has group and bits, and the policy requires no more: nothing was changed.
    NotNeeded,
    /// All files were examined, the root last.
    Applied(FsGroupReport),
    /// The callback ended the run. The root is unchanged, so that a later run starts again.
    Cancelled(FsGroupReport),
}

/// The error when not all files of a volume have the group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FsGroupError {
    /// The root could not be opened, or its metadata could not be read. Nothing was changed.
    #[error(transparent)]
    Root(OsError),
    /// A file could not be changed or read. The root is unchanged, unless it is itself the file that failed.
    #[error(
        "could not set the group of {} of {} files in {}", .report.failed, .report.examined, printable(.volume)
    )]
    Incomplete {
        /// The volume, for messages.
        volume: PathBuf,
        /// The changes that were made.
        report: Box<FsGroupReport>,
        /// The first failure.
        source: Box<OsError>,
    },
}

impl FsGroupReport {
    pub(super) fn failure(&mut self, error: OsError) {
        self.failed += 1;
        if self.failures.len() < FAILURES_KEPT {
            tracing::warn!(target: "mountwright", subsystem = "mount", %error, "could not set the group of a volume's file");
            self.failures.push(error);
        }
    }
}
