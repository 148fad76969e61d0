//! Texts that cannot be used as a path below a root or as a container id.

use std::path::{Path, PathBuf};

/// A path that cannot be used below a root, or a text that is no container id, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} {problem}: {reason}")]
pub struct InvalidPath {
    path: PathBuf,
    problem: &'static str,
    reason: &'static str,
}

impl InvalidPath {
    pub(crate) fn below_a_root(path: impl Into<PathBuf>, reason: &'static str) -> Self {
        Self { path: path.into(), problem: "cannot be used below a root", reason }
    }

    pub(crate) fn container_id(id: impl Into<PathBuf>, reason: &'static str) -> Self {
        Self { path: id.into(), problem: "is not a container id", reason }
    }

    /// The text as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
