//! Results of the removal of all that a sandbox has shared.

use std::fmt;

use camino::Utf8PathBuf;

use crate::kata::KataError;
use crate::path::ContainerId;
use crate::unmount::UnshareOutcome;

/// One step of the removal of a sandbox's shares.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnshareStep {
    /// The look-up of the container's directory.
    ContainerDir,
    /// The mount on the host.
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
    /// The container.
    pub container: ContainerId,
    /// The step.
    pub step: UnshareStep,
    /// The cause of the failure.
    pub error: KataError,
}

impl UnshareFailure {
    pub(crate) fn new(container: ContainerId, step: UnshareStep, error: KataError) -> Self {
        Self { container, step, error }
    }
}

/// A step that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnshareDone {
    /// The container.
    pub container: ContainerId,
    /// The step.
    pub step: UnshareStep,
    /// Its result.
    pub outcome: UnshareOutcome,
}

/// The result where steps failed; all other steps were run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnshareAllError {
    /// The failed steps, in order; at least one.
    pub failures: Vec<UnshareFailure>,
    /// The successful steps, in order.
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
