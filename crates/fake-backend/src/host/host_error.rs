//! Errors of building a host.

use std::fmt;
use std::path::PathBuf;

use mountwright_core::Errno;

/// One line of the text that a host was to be built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostLine {
    /// Counted from 1.
    pub number: usize,
    /// As it stood there; bytes that are not UTF-8 show as U+FFFD.
    pub text: String,
}

impl HostLine {
    pub(crate) fn new(number: usize, bytes: &[u8]) -> Self {
        Self { number, text: String::from_utf8_lossy(bytes).into_owned() }
    }
}

impl fmt::Display for HostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (`{}`)", self.number, self.text)
    }
}

/// The reason why a host cannot be built. Nothing was built then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// A line that cannot be read, or that cannot be true by itself.
    #[error("{line}: {reason}")]
    BadLine {
        /// The line.
        line: HostLine,
        /// The mistake.
        reason: &'static str,
    },
    /// Two lines that cannot both be true.
    #[error("{first} and {second} contradict each other: {what}")]
    Contradiction {
        /// The earlier one.
        first: HostLine,
        /// The later one.
        second: HostLine,
        /// The contradiction.
        what: &'static str,
    },
    /// A line with a feature of Linux that the model lacks.
    #[error("{line}: {what} is not modelled, see docs/fake.md")]
    NotModelled {
        /// The line.
        line: HostLine,
        /// The feature that is not modelled.
        what: &'static str,
    },
    /// Something could not be planted.
    #[error("cannot plant {}: {errno}, something else is there or on the way", mountwright_core::path::printable(.path))]
    Plant {
        /// The path of the planted file.
        path: PathBuf,
        /// The reason: `ENOTDIR` if a parent is a file, `EEXIST` if another file is there.
        errno: Errno,
    },
}
