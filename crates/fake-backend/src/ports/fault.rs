//! A failure on its way out of a port call, before it is known which one it is.

use mountwright_core::{Errno, Operation, OsError, Subject};

/// The system call that failed, and its errno. Nothing is ever left over: nobody acts between a step and its undoing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    step: &'static str,
    errno: Errno,
}

pub(crate) type Step<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn new(step: &'static str, errno: Errno) -> Self {
        Self { step, errno }
    }

    pub(crate) fn errno(&self) -> Errno {
        self.errno
    }

    /// The same failure under a name that says more.
    pub(crate) fn saying(mut self, errno: Errno) -> Self {
        self.errno = errno;
        self
    }

    /// The same failure at a step that says more.
    pub(crate) fn at_step(mut self, step: &'static str) -> Self {
        self.step = step;
        self
    }

    pub(crate) fn of(self, operation: Operation, subject: Subject) -> OsError {
        OsError::new(operation, subject, self.errno).at_step(self.step)
    }
}
