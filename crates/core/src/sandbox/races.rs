//! Set-ups and tear-downs of one sandbox at the same time.

use camino::Utf8Path;

use crate::error::{Errno, Error, Operation, OsError};
use crate::path::Location;

/// The error where another caller tears the sandbox down during the set-up.
pub(crate) fn torn_down(path: &Utf8Path) -> Error {
    OsError::new(Operation::FindMount, path.as_std_path(), Errno::ESTALE).into()
}

/// True where a bind failed because another caller has just attached a mount there, and the attempt left nothing.
/// `EINVAL`: that mount cannot be bound yet, or the source was unmounted. `EAGAIN`: another caller has shared something
/// before the new mount was complete.
pub(crate) fn is_quicker_at(error: &Error) -> bool {
    matches!(error.errno(), Some(Errno::EBUSY | Errno::EINVAL | Errno::EAGAIN)) && error.left().is_empty()
}

pub(crate) fn at(path: &Utf8Path) -> Location {
    Location::trusted(path.as_std_path())
}
