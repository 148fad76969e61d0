//! The error that a namespace was refused.

use std::{fmt, io};

use mountwright_core::Errno;

/// The reason why there is no namespace of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNamespace {
    step: &'static str,
    errno: Errno,
}

impl NoNamespace {
    /// The kernel refused this step with this error.
    pub fn at(step: &'static str, error: impl Into<io::Error>) -> Self {
        Self { step, errno: Errno::from(error.into()) }
    }

    /// The step that the kernel refused: a system call, or a file of procfs that was to be written.
    pub const fn step(self) -> &'static str {
        self.step
    }

    /// The errno of the kernel.
    pub const fn errno(self) -> Errno {
        self.errno
    }
}

impl fmt::Display for NoNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no mount namespace of our own: {} answers {}", self.step, self.errno)?;
        self.errno.meaning().map_or(Ok(()), |meaning| write!(f, " ({meaning})"))
    }
}

impl std::error::Error for NoNamespace {}

pub(super) fn step<T>(step: &'static str, result: rustix::io::Result<T>) -> Result<T, NoNamespace> {
    result.map_err(|errno| NoNamespace::at(step, errno))
}
