//! The result of an operation.

use mountwright_core::error::Leftover;
use mountwright_core::mount::Guarantee;
use mountwright_core::{Errno, Error, OsError};

/// The result of an operation.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It succeeded.
    Done {
        /// The work that it reports as not done.
        kept: Vec<Leftover>,
        /// The guarantee that it reports.
        guarantee: Guarantee,
    },
    /// It failed.
    Failed {
        /// The kernel's errno, if there is one.
        errno: Option<Errno>,
        /// The leftovers that the error names.
        left: Vec<Leftover>,
    },
}

impl Answer {
    /// That is all.
    pub fn done() -> Self {
        Self::Done { kept: Vec::new(), guarantee: Guarantee::Atomic }
    }

    /// Returns what it names as left over or not done.
    pub fn named(&self) -> &[Leftover] {
        match self {
            Self::Done { kept, .. } => kept,
            Self::Failed { left, .. } => left,
        }
    }

    /// Returns the kernel's errno of a failure.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Done { .. } => None,
            Self::Failed { errno, .. } => *errno,
        }
    }

    /// Returns true if it succeeded.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl From<OsError> for Answer {
    fn from(error: OsError) -> Self {
        Self::Failed { errno: Some(error.errno()), left: error.left().to_vec() }
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self::Failed { errno: error.errno(), left: error.left().to_vec() }
    }
}
