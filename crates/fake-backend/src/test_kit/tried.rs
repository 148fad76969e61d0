//! The result of a search.

use std::fmt;

use crate::test_kit::level::Level;
use crate::test_kit::search::Run;

/// The number of violations that are shown.
const MOST_SHOWN: usize = 5;

/// The runs of a search, and those that broke the law.
#[must_use = "a violation is only seen by `check` or `violations`"]
#[derive(Clone, Debug)]
pub struct Tried {
    what: &'static str,
    level: Level,
    runs: usize,
    violations: Vec<String>,
}

impl Tried {
    pub(super) fn new(what: &'static str, level: Level) -> Self {
        Self { what, level, runs: 0, violations: Vec::new() }
    }

    /// Asks the law about a run.
    pub(super) fn judge<T>(&mut self, run: &Run<'_, T>, law: &dyn Fn(&Run<'_, T>) -> Result<(), String>) {
        let verdict = if run.endless { Err("thousands of calls, and no end".to_owned()) } else { law(run) };
        self.add(&run.point, verdict);
    }

    pub(super) fn add(&mut self, point: &str, verdict: Result<(), String>) {
        self.runs += 1;
        self.violations.extend(verdict.err().map(|wrong| format!("{point}: {wrong}")));
    }

    /// The number of runs.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The runs that broke the law: the call, what happened at it, and the law's words.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Prints the count, and fails the test where the law was broken or nothing was tried.
    ///
    /// # Panics
    /// With the first violations.
    pub fn check(self) {
        assert!(self.violations.is_empty() && self.runs > 0, "{self}");
        println!("{self}");
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, level, runs, violations } = self;
        write!(f, "{what} at {level}: {runs} runs, {} violations", violations.len())?;
        violations.iter().take(MOST_SHOWN).try_for_each(|violation| write!(f, "\n{violation}"))
    }
}
