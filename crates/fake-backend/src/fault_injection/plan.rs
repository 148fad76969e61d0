//! The plan of one handle: what happens before, instead of and after its calls.

use std::fmt;

use mountwright_core::Errno;

use crate::fault_injection::failure::Failure;
use crate::fault_injection::journal::{Journal, PortCall};

/// The step of a call that is not made because its process has ended.
pub(crate) const ENDED: &str = "the process has ended";

/// The plan that the clones of a handle share. `H` is the hook before a call.
pub(crate) struct Plan<H> {
    calls: usize,
    journal: Journal,
    failures: Vec<Failure>,
    hook: Option<H>,
    ends_after: Option<usize>,
    ended: bool,
}

/// The decision about a call: it is made, or fails with an injected errno.
pub(crate) enum Verdict {
    Make,
    Refuse(Errno, &'static str),
}

impl<H> Default for Plan<H> {
    fn default() -> Self {
        Self { calls: 0, journal: Journal::default(), failures: Vec::new(), hook: None, ends_after: None, ended: false }
    }
}

impl<H: Clone> Plan<H> {
    pub(crate) fn next_number(&mut self) -> usize {
        self.calls += 1;
        self.calls
    }

    pub(crate) fn hook(&self) -> Option<H> {
        self.hook.clone()
    }

    pub(crate) fn set_hook(&mut self, hook: Option<H>) {
        self.hook = hook;
    }

    pub(crate) fn add_failure(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    /// Counted from now on.
    pub(crate) fn end_after(&mut self, calls: usize) {
        self.ends_after = Some(self.calls + calls);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(crate) fn judge(&mut self, call: &PortCall) -> Verdict {
        if self.ended {
            return Verdict::Refuse(Errno::ESRCH, ENDED);
        }
        // Each failure counts every call, whichever of them applies.
        let errors: Vec<_> = self.failures.iter_mut().map(|failure| failure.count(call.operation)).collect();
        match errors.into_iter().flatten().next() {
            Some(errno) => Verdict::Refuse(errno, "a failure that the test asked for"),
            None => Verdict::Make,
        }
    }

    /// Records a call. Returns true if the process ends with it.
    pub(crate) fn note(&mut self, call: PortCall) -> bool {
        let ends = !self.ended && self.ends_after == Some(call.number);
        self.ended |= ends;
        self.journal.0.push(call);
        ends
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn clear_journal(&mut self) {
        self.journal = Journal::default();
    }
}

impl<H> fmt::Debug for Plan<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("calls", &self.calls).field("failures", &self.failures).finish_non_exhaustive()
    }
}
