//! Results of the removal of all that a sandbox has shared.

use std::fmt;

use camino::Utf8PathBuf;

use crate::kata::KataError;
use crate::path::ContainerId;
use crate::unmount::UnshareOutcome;

/// One step of taking a sandbox's shares off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnshareStep {
    /// The container's directory was looked at.
    ContainerDir,
    /// The host's side of a mount.
    HostMount(Utf8PathBuf),
    /// The image in the nydus daemon.
    Rafs,
    /// The nydus snapshot directory.
    SnapshotDir,
    /// The root filesystem.
    Rootfs,
}

impl fmt::Display for UnshareStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContainerDir => f.write_str("container directory"),
            Self::HostMount(path) => write!(f, "host mount {path}"),
            Self::Rafs => f.write_str("nydus image"),
            Self::SnapshotDir => f.write_str("snapshot directory"),
            Self::Rootfs => f.write_str("root filesystem"),
        }
    }
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("container {container}, {step}: {error}")]
#[non_exhaustive]
pub struct UnshareFailure {
    /// Whose step it was.
    pub container: ContainerId,
    /// Which step.
    pub step: UnshareStep,
    /// Why it failed.
    pub error: KataError,
}

impl UnshareFailure {
    pub(crate) fn new(container: ContainerId, step: UnshareStep, error: KataError) -> Self {
        Self { container, step, error }
    }
}

/// A step that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnshareDone {
    /// Whose step it was.
    pub container: ContainerId,
    /// Which step.
    pub step: UnshareStep,
    /// What it did.
    pub outcome: UnshareOutcome,
}

/// Steps failed; all the others were carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnshareAllError {
    /// What failed, in order; at least one.
    pub failures: Vec<UnshareFailure>,
    /// What was carried out, in order.
    pub done: Vec<UnshareDone>,
}

impl fmt::Display for UnshareAllError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.failures.len() == 1 { "" } else { "s" };
        write!(f, "{} step{plural} failed, {} done", self.failures.len(), self.done.len())?;
        for failure in &self.failures {
            write!(f, "; {failure}")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnshareAllError {}
