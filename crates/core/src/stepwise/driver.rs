//! Execution of a sequence, all at once or step by step.

use std::collections::VecDeque;

use crate::error::{Error, Leftover};
use crate::ports::{Filesystem, Mounter};
use crate::stepwise::Plan;
use crate::stepwise::leftovers::without_gone_mounts;
use crate::stepwise::sequence::Sequence;

/// The driver of one sequence; [`Run`](crate::stepwise::Run) is its public form.
#[derive(Debug)]
pub(crate) struct Driver<S: Sequence> {
    sequence: S,
    waiting: VecDeque<S::Step>,
    done: Vec<S::Step>,
}

impl<S: Sequence> Driver<S> {
    pub(crate) fn new(sequence: S) -> Self {
        let waiting = sequence.steps().into();
        Self { sequence, waiting, done: Vec::new() }
    }

    /// The remaining steps, as far as they are known now.
    pub(crate) fn plan(&self) -> Plan {
        Plan::of(&self.waiting)
    }

    /// The steps that were done, in order.
    pub(crate) fn done(&self) -> &[S::Step] {
        &self.done
    }

    /// Runs the next step and returns it; `None` where none is left.
    ///
    /// # Errors
    ///
    /// The error of the step, which stays the next one: retry it, or [`roll_back`](Self::roll_back).
    pub(crate) fn advance(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Option<&S::Step>, Error> {
        let Some(step) = self.waiting.front() else { return Ok(None) };
        let next = self.sequence.take(step, fs, mounter)?;
        self.done.extend(self.waiting.pop_front());
        for step in next.into_iter().rev() {
            self.waiting.push_front(step);
        }
        Ok(self.done.last())
    }

    /// Rolls back all changes, the last one first. Returns what could not be rolled back.
    pub(crate) fn roll_back(mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        self.sequence.take_back(fs, mounter)
    }

    /// Runs the remaining steps.
    ///
    /// # Errors
    ///
    /// The error of the step that failed. All changes were rolled back, unless [`Error::left`] lists them.
    pub(crate) fn finish(self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<S::Outcome, Error> {
        self.finish_beginning_again(fs, mounter, |_, _| None)
    }

    /// Runs the remaining steps. After a failure, `again` returns the sequence with which to start again, which has all
    /// changes so far; `None` where the failure is final.
    pub(crate) fn finish_beginning_again(
        mut self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        mut again: impl FnMut(&Error, &S) -> Option<S>,
    ) -> Result<S::Outcome, Error> {
        loop {
            match self.advance(fs, mounter) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(self.sequence.outcome()),
                Err(error) => {
                    let error = without_gone_mounts(mounter, error);
                    let Some(sequence) = again(&error, &self.sequence) else {
                        return Err(without_gone_mounts(mounter, error.leaving(self.roll_back(fs, mounter))));
                    };
                    self = Self::new(sequence);
                }
            }
        }
    }

    /// Runs the remaining steps of a sequence whose steps do not fail.
    pub(crate) fn finish_all(mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> S::Outcome {
        while let Ok(Some(_)) = self.advance(fs, mounter) {}
        self.sequence.outcome()
    }
}
