//! Counting runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::violation::{Harm, Violation};

/// What a search has counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) runs: usize,
    pub(crate) harms: BTreeMap<Harm, usize>,
    /// Runs that came to nothing, since the kernel refused the adversary.
    pub(crate) missed: usize,
    /// Runs after which scaffolding was left that a death is allowed to leave.
    pub(crate) scaffolding: usize,
    /// The first of each kind, in words.
    pub(crate) examples: Vec<String>,
}

/// How many examples a search keeps of each kind of harm.
const EXAMPLES: usize = 3;

impl Tally {
    pub(crate) fn run(&mut self, violations: &[Violation], what: impl Fn() -> String) {
        self.runs += 1;
        for violation in violations {
            let count = self.harms.entry(violation.harm).or_default();
            *count += 1;
            if *count <= EXAMPLES {
                self.examples.push(format!("{}: {}: {}", violation.harm, what(), violation.what));
            }
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.missed += other.missed;
        self.scaffolding += other.scaffolding;
        for (harm, count) in &other.harms {
            *self.harms.entry(*harm).or_default() += count;
        }
        self.examples.extend(other.examples.iter().cloned());
    }

    pub(crate) fn violations(&self) -> usize {
        self.harms.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} runs", self.runs)?;
        for harm in Harm::ALL {
            write!(f, ", {harm} {}", self.harms.get(&harm).copied().unwrap_or_default())?;
        }
        if self.missed > 0 {
            write!(f, " (and {} strikes that missed)", self.missed)?;
        }
        if self.scaffolding > 0 {
            write!(f, " ({} left scaffolding)", self.scaffolding)?;
        }
        Ok(())
    }
}

/// Tallies by name, from all threads.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<String, Tally>>);

impl Tallies {
    pub(crate) fn add(&self, name: &str, tally: &Tally) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(name.to_owned()).or_default().add(tally);
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
