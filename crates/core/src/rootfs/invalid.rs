//! The error of a plan that this host cannot have.

use std::path::Path;

use crate::error::{Errno, Operation, OsError};

/// `EINVAL` at a path, with the reason.
pub(crate) fn invalid(path: impl AsRef<Path>, reason: impl Into<String>) -> OsError {
    OsError::new(Operation::Bind, path.as_ref(), Errno::EINVAL).with_detail(reason)
}
