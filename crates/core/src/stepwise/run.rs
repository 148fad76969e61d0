//! Running a sequence, all at once or step by step.

use std::collections::VecDeque;

use crate::error::{Error, Leftover};
use crate::ports::{Filesystem, Mounter};
use crate::stepwise::{Plan, Sequence};

/// A sequence under way.
///
/// * [`finish`](Self::finish) is the usual way: the steps that are left, and back again where one fails.
/// * [`advance`](Self::advance) takes one step, so that a caller can write down, measure or stop in between.
/// * Dropping it takes nothing back: that is what a crash looks like, and what [`Recovery`](crate::recovery::Recovery) is for.
#[derive(Debug)]
pub struct Run<S: Sequence> {
    sequence: S,
    waiting: VecDeque<S::Step>,
    done: Vec<S::Step>,
}

impl<S: Sequence> Run<S> {
    pub(crate) fn new(sequence: S) -> Self {
        let waiting = sequence.steps().into();
        Self { sequence, waiting, done: Vec::new() }
    }

    /// The steps that are left, as far as they are known now.
    pub fn plan(&self) -> Plan<S::Step> {
        Plan::new(self.waiting.iter().cloned().collect())
    }

    /// The steps that were taken, in order.
    pub fn done(&self) -> &[S::Step] {
        &self.done
    }

    /// Takes the next step and answers it; `None` where none is left.
    ///
    /// # Errors
    ///
    /// Why the step failed. It is still the next one: try it again, or [`roll_back`](Self::roll_back).
    pub fn advance(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Option<&S::Step>, Error> {
        let Some(step) = self.waiting.front() else { return Ok(None) };
        let next = self.sequence.take(step, fs, mounter)?;
        self.done.extend(self.waiting.pop_front());
        for step in next.into_iter().rev() {
            self.waiting.push_front(step);
        }
        Ok(self.done.last())
    }

    /// Takes back all that was made so far, last made first. Answers what could not be taken back.
    pub fn roll_back(mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        self.sequence.take_back(fs, mounter)
    }

    /// Takes the steps that are left.
    ///
    /// # Errors
    ///
    /// Why a step failed. All that was made is taken back then, unless [`Error::left`] names it.
    pub fn finish(mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<S::Outcome, Error> {
        loop {
            match self.advance(fs, mounter) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(self.sequence.outcome()),
                Err(error) => return Err(error.leaving(self.roll_back(fs, mounter))),
            }
        }
    }

    /// Takes the steps that are left of a sequence whose steps do not fail.
    pub(crate) fn finish_all(mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> S::Outcome {
        while let Ok(Some(_)) = self.advance(fs, mounter) {}
        self.sequence.outcome()
    }
}
