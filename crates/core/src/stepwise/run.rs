//! A sequence in progress, whatever its steps are.

use std::fmt;

use crate::error::{Error, Leftover};
use crate::ports::{Backend, Filesystem, Mounter};
use crate::stepwise::Plan;
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;

/// A sequence in progress, with the result `T`.
///
/// * [`finish`](Self::finish) is the usual way: it runs the remaining steps and rolls back where one fails.
/// * [`advance`](Self::advance) runs one step, so that a caller can record, measure or stop in between.
/// * Dropping it rolls nothing back. A crash has the same effect, and [`Recovery`](crate::recovery::Recovery) is for
///   both.
pub struct Run<T> {
    driver: Box<dyn Steps<T>>,
}

impl<T> Run<T> {
    pub(crate) fn new<S: Sequence<Outcome = T> + Send + Sync + 'static>(sequence: S) -> Self
    where
        S::Step: Send + Sync,
    {
        Self { driver: Box::new(Driver::new(sequence)) }
    }

    /// The remaining steps, as far as they are known now.
    pub fn plan(&self) -> Plan {
        self.driver.waiting()
    }

    /// The steps that were done, in order.
    pub fn done(&self) -> Plan {
        self.driver.done()
    }

    /// Runs the next step and returns it, for messages; `None` where none is left.
    ///
    /// # Errors
    ///
    /// The error of the step, which stays the next one: retry it, or [`roll_back`](Self::roll_back).
    pub fn advance(&mut self, backend: &dyn Backend) -> Result<Option<String>, Error> {
        self.driver.advance(backend.filesystem(), backend.mounter())
    }

    /// Rolls back all changes, the last one first. Returns what could not be rolled back.
    pub fn roll_back(self, backend: &dyn Backend) -> Vec<Leftover> {
        self.driver.roll_back(backend.filesystem(), backend.mounter())
    }

    /// Runs the remaining steps.
    ///
    /// # Errors
    ///
    /// The error of the step that failed. All changes were rolled back, unless [`Error::left`] lists them.
    pub fn finish(self, backend: &dyn Backend) -> Result<T, Error> {
        self.driver.finish(backend.filesystem(), backend.mounter())
    }
}

impl<T> fmt::Debug for Run<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("done", &self.done()).field("plan", &self.plan()).finish()
    }
}

/// A driver of any sequence with this result.
trait Steps<T>: Send + Sync {
    fn waiting(&self) -> Plan;
    fn done(&self) -> Plan;
    fn advance(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Option<String>, Error>;
    fn roll_back(self: Box<Self>, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover>;
    fn finish(self: Box<Self>, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<T, Error>;
}

impl<S> Steps<S::Outcome> for Driver<S>
where
    S: Sequence + Send + Sync,
    S::Step: Send + Sync,
{
    fn waiting(&self) -> Plan {
        self.plan()
    }

    fn done(&self) -> Plan {
        Plan::of(Driver::done(self))
    }

    fn advance(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Option<String>, Error> {
        Ok(Driver::advance(self, fs, mounter)?.map(ToString::to_string))
    }

    fn roll_back(self: Box<Self>, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        Driver::roll_back(*self, fs, mounter)
    }

    fn finish(self: Box<Self>, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<S::Outcome, Error> {
        Driver::finish(*self, fs, mounter)
    }
}
