//! The steps of a sequence, before they run.

use std::fmt;

/// The steps of a sequence in order, to be read before anything is changed.
///
/// `Display` numbers them, one to a line. The result of a step may add steps after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan<S> {
    steps: Vec<S>,
}

impl<S> Plan<S> {
    pub(crate) fn new(steps: Vec<S>) -> Self {
        Self { steps }
    }

    /// The steps, first to last.
    pub fn steps(&self) -> &[S] {
        &self.steps
    }
}

impl<S: fmt::Display> fmt::Display for Plan<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(f, "{number:>3}. {step}")?;
        }
        Ok(())
    }
}
