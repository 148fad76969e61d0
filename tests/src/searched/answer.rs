//! What an operation answers.

use mountwright_core::error::Leftover;
use mountwright_core::mount::Guarantee;
use mountwright_core::{Errno, Error, OsError};

/// What an operation answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It succeeded.
    Done {
        /// What it says that it has not done.
        kept: Vec<Leftover>,
        /// What it says that nobody could see half made.
        guarantee: Guarantee,
    },
    /// It failed.
    Failed {
        /// The kernel's answer, where there is one.
        errno: Option<Errno>,
        /// What it names as left over.
        left: Vec<Leftover>,
    },
}

impl Answer {
    /// That is all.
    pub fn done() -> Self {
        Self::Done { kept: Vec::new(), guarantee: Guarantee::Atomic }
    }

    /// What it names as left over or not done.
    pub fn named(&self) -> &[Leftover] {
        match self {
            Self::Done { kept, .. } => kept,
            Self::Failed { left, .. } => left,
        }
    }

    /// The kernel's answer to what failed.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Done { .. } => None,
            Self::Failed { errno, .. } => *errno,
        }
    }

    /// Whether it succeeded.
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
