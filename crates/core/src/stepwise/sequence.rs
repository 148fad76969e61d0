//! What all sequences have in common.

use std::fmt;

use crate::error::{Error, Leftover};
use crate::ports::{Filesystem, Mounter};

/// A sequence that is under way: its steps one by one, what it has made, and how that is taken back.
///
/// [`Run`](crate::stepwise::Run) drives it; nobody else has to call these. There is no state but in the value itself and on the
/// machine, so a dropped sequence leaves what a crash at that moment would leave.
pub trait Sequence {
    /// One step, for a person to read.
    type Step: Clone + fmt::Debug + fmt::Display;
    /// What it gives in the end.
    type Outcome;

    /// The steps from the beginning, as far as they are known before anything was looked at.
    fn steps(&self) -> Vec<Self::Step>;

    /// Takes one step. Answers steps that have to come next, before the others.
    ///
    /// # Errors
    ///
    /// Why it failed; what the step itself made is taken back or named, what steps before it made is still there.
    fn take(&mut self, step: &Self::Step, fs: &dyn Filesystem, mounter: &dyn Mounter)
    -> Result<Vec<Self::Step>, Error>;

    /// Takes back all that the steps so far have made, last made first, and goes on after a failure. Answers what is left.
    fn take_back(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover>;

    /// What it gives, once every step is taken.
    fn outcome(self) -> Self::Outcome;
}
