//! Errors: the errno, the operation and its subject.

pub(crate) mod core_error;
pub(crate) mod errno;
pub(crate) mod operation;
pub(crate) mod os_error;
pub(crate) mod std_io;

pub use core_error::Error;
pub use errno::Errno;
pub use operation::Operation;
pub use os_error::{Leftover, OsError, Subject};
