//! Results of a recovery.

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::recovery::{Orphan, UnprovenMount};

/// A mount that a recovery could not unmount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreaped {
    /// The mount.
    pub left: Orphan,
    /// The cause; `None` where a mount that is not the sandbox's covers it.
    pub error: Option<Error>,
}

/// The result of a recovery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct ReapReport {
    /// The mounts that were unmounted, in order, with the mounts below them.
    pub taken: Vec<Orphan>,
    /// The names that were removed, in order.
    pub removed: Vec<PathBuf>,
    /// The mounts that still exist.
    pub left: Vec<Unreaped>,
    /// The mounts and symlinks on the sandbox's directories that were not proven to be the sandbox's at the last
    /// look-up. They were left.
    pub unproven: Vec<UnprovenMount>,
    /// Other failures: names that could not be removed, directories that could not be read.
    pub failures: Vec<Error>,
}

impl ReapReport {
    /// True where nothing of the sandbox is left and there was no failure.
    pub fn is_clean(&self) -> bool {
        self.left.is_empty() && self.failures.is_empty()
    }

    /// True where there was nothing to do.
    pub fn did_nothing(&self) -> bool {
        self.taken.is_empty() && self.removed.is_empty()
    }
}

impl fmt::Display for ReapReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for left in &self.taken {
            writeln!(f, "unmounted: {left}")?;
        }
        for path in &self.removed {
            writeln!(f, "removed: {}", path.display())?;
        }
        for Unreaped { left, error } in &self.left {
            match error {
                Some(error) => writeln!(f, "still mounted: {left}: {error}")?,
                None => writeln!(f, "still mounted: {left}: another mount covers it")?,
            }
        }
        for unproven in &self.unproven {
            writeln!(f, "left: {unproven}")?;
        }
        self.failures.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}
