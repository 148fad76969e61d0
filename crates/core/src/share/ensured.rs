//! Results of idempotent operations.

use crate::mount::Conflict;

/// Result of an idempotent `ensure_…` operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ensured<R> {
    /// The share existed as requested: nothing was changed. The record is the same as for a new share.
    AlreadySatisfied(R),
    /// The share did not exist and was created.
    Done(R),
    /// Another mount is in its place; nothing was changed.
    Conflict(Conflict),
}

impl<R> Ensured<R> {
    /// The record, where the share exists now.
    ///
    /// # Errors
    ///
    /// [`Conflict`] where another mount is in its place.
    pub fn into_record(self) -> Result<R, Conflict> {
        match self {
            Self::AlreadySatisfied(record) | Self::Done(record) => Ok(record),
            Self::Conflict(conflict) => Err(conflict),
        }
    }
}
