//! A failure of a step, before the port call that it belongs to is known.

use mountwright_core::error::{Leftover, Subject};
use mountwright_core::{Errno, Operation, OsError};

use crate::syscalls::Call;

/// The call that failed, its errno, and what could not be rolled back.
#[derive(Debug)]
pub(crate) struct Fault {
    step: &'static str,
    errno: Errno,
    left: Vec<Leftover>,
    again: bool,
    detail: Option<String>,
}

pub(crate) type Step<T> = Result<T, Fault>;

/// `None`: the mount was unmounted in between, perhaps by the loser of a race.
pub(crate) fn unless_gone<T>(looked: Step<T>) -> Step<Option<T>> {
    match looked {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.errno() == Errno::ENOENT => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Returns true for the errno of a name that another process has changed so that it leads nowhere.
pub(crate) fn is_another_name(errno: Errno) -> bool {
    matches!(errno, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EXDEV)
}

impl Fault {
    pub(crate) fn new(step: Call, errno: Errno) -> Self {
        Self { step: step.name(), errno, left: Vec::new(), again: false, detail: None }
    }

    pub(crate) fn errno(&self) -> Errno {
        self.errno
    }

    /// The call that failed, or what it refused.
    pub(crate) fn step(&self) -> &'static str {
        self.step
    }

    /// The same failure with a more precise errno.
    pub(crate) fn saying(mut self, errno: Errno) -> Self {
        self.errno = errno;
        self
    }

    pub(crate) fn has_detail(&self) -> bool {
        self.detail.is_some()
    }

    /// The same failure with its cause, as it was looked at.
    pub(crate) fn because(mut self, detail: Option<String>) -> Self {
        self.detail = self.detail.or(detail);
        self
    }

    /// The same failure with another text of its cause.
    pub(crate) fn with_detail_changed(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.detail = self.detail.map(change);
        self
    }

    /// The same failure, from a race that another attempt may win.
    pub(crate) fn worth_another_attempt(mut self) -> Self {
        self.again = true;
        self
    }

    /// Returns true if another attempt may succeed: nothing of this one is left.
    pub(crate) fn is_worth_another_attempt(&self) -> bool {
        self.again && self.left.is_empty()
    }

    pub(crate) fn leaving(mut self, left: Leftover) -> Self {
        self.left.push(left);
        self
    }

    /// The same failure at a step that names what was refused.
    pub(crate) fn at_step(mut self, step: &'static str) -> Self {
        self.step = step;
        self
    }

    /// The same failure, with the leftovers of another one added.
    pub(crate) fn leaving_what(mut self, other: Self) -> Self {
        self.left.extend(other.left);
        self
    }

    /// Returns true if everything was rolled back.
    pub(crate) fn leaves_nothing(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn of(self, operation: Operation, subject: impl Into<Subject>) -> OsError {
        let error = OsError::new(operation, subject, self.errno).at_step(self.step);
        let error = match self.detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        };
        self.left.into_iter().fold(error, OsError::leaving)
    }
}
