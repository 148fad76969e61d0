//! What making sure of something did.

use crate::mount::Conflict;

/// What an `ensure_…` operation did. Doing it twice is doing it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ensured<R> {
    /// It was there as wanted: nothing was changed. The record is the one that making it would have given.
    AlreadySatisfied(R),
    /// It was not there, and is now.
    Done(R),
    /// Something else is there; nothing was changed.
    Conflict(Conflict),
}

impl<R> Ensured<R> {
    /// The record, where it is there now.
    ///
    /// # Errors
    ///
    /// [`Conflict`] where something else is there.
    pub fn into_record(self) -> Result<R, Conflict> {
        match self {
            Self::AlreadySatisfied(record) | Self::Done(record) => Ok(record),
            Self::Conflict(conflict) => Err(conflict),
        }
    }
}
