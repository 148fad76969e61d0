//! The steps of a sequence, before they run.

use std::fmt;

/// The steps of a sequence in order, to be read before anything is changed.
///
/// `Display` numbers them, one to a line. The result of a step may add steps after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    steps: Vec<String>,
}

impl Plan {
    pub(crate) fn of<S: fmt::Display>(steps: impl IntoIterator<Item = S>) -> Self {
        Self { steps: steps.into_iter().map(|step| step.to_string()).collect() }
    }

    /// The steps, first to last.
    pub fn steps(&self) -> &[String] {
        &self.steps
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            writeln!(f, "{number:>3}. {step}")?;
        }
        Ok(())
    }
}
