//! The interface of all sequences.

use std::fmt;

use crate::error::{Error, Leftover};
use crate::ports::{Filesystem, Mounter};

/// A sequence in progress: its steps, the changes that it made, and their roll-back.
///
/// [`Driver`](crate::stepwise::driver::Driver) drives it. All state is in the value itself and on the machine, so a
/// dropped sequence leaves the same state as a crash at that moment.
pub(crate) trait Sequence {
    /// One step, for messages.
    type Step: Clone + fmt::Debug + fmt::Display;
    /// The result of the sequence.
    type Outcome;

    /// All steps, as far as they are known before anything was looked up.
    fn steps(&self) -> Vec<Self::Step>;

    /// Runs one step. Returns steps that have to run next, before the others.
    ///
    /// # Errors
    ///
    /// The error of the step. Its own changes are rolled back or reported as left over; those of earlier steps stay.
    fn take(&mut self, step: &Self::Step, fs: &dyn Filesystem, mounter: &dyn Mounter)
    -> Result<Vec<Self::Step>, Error>;

    /// Rolls back the changes of all steps so far, the last one first, and continues after a failure. Returns what is
    /// left. A sequence that creates nothing has nothing to roll back.
    fn take_back(&mut self, _fs: &dyn Filesystem, _mounter: &dyn Mounter) -> Vec<Leftover> {
        Vec::new()
    }

    /// The result, once every step is done.
    fn outcome(self) -> Self::Outcome;
}
