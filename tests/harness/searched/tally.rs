//! Counting runs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::violation::{Harm, Violation};

/// The counts of a search.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// The number of runs.
    pub runs: usize,
    /// The number of findings of each kind of harm.
    pub harms: BTreeMap<Harm, usize>,
    /// Runs without effect, because the kernel refused the adversary.
    pub missed: usize,
    /// Runs after which a name was left or missing because of a false error, or after which a repeated call continues.
    pub excused: usize,
    /// Runs after which scaffolding was left that a death is allowed to leave.
    pub scaffolding: usize,
    /// The first of each kind, in words.
    pub examples: Vec<String>,
}

/// The number of examples that a search keeps of each kind of harm.
const EXAMPLES: usize = 3;

impl Tally {
    /// Counts one run, and what was found wrong in it.
    pub fn run(&mut self, violations: &[Violation], what: impl Fn() -> String) {
        self.runs += 1;
        for violation in violations {
            let count = self.harms.entry(violation.harm).or_default();
            *count += 1;
            if *count <= EXAMPLES {
                self.examples.push(format!("{}: {}: {}", violation.harm, what(), violation.what));
            }
        }
    }

    /// Counts all of another's too.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.missed += other.missed;
        self.scaffolding += other.scaffolding;
        self.excused += other.excused;
        for (harm, count) in &other.harms {
            *self.harms.entry(*harm).or_default() += count;
        }
        self.examples.extend(other.examples.iter().cloned());
    }

    /// Returns the number of findings.
    pub fn violations(&self) -> usize {
        self.harms.values().sum()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} runs", self.runs)?;
        for harm in Harm::all() {
            write!(f, ", {harm} {}", self.harms.get(&harm).copied().unwrap_or_default())?;
        }
        if self.missed > 0 {
            write!(f, " (and {} strikes that missed)", self.missed)?;
        }
        if self.excused > 0 {
            write!(f, " ({} excused)", self.excused)?;
        }
        if self.scaffolding > 0 {
            write!(f, " ({} left scaffolding)", self.scaffolding)?;
        }
        Ok(())
    }
}

/// Tallies by name, from all threads.
#[derive(Debug, Default)]
pub struct Tallies(Mutex<BTreeMap<String, Tally>>);

impl Tallies {
    /// Adds to the tally of this name.
    pub fn add(&self, name: &str, tally: &Tally) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(name.to_owned()).or_default().add(tally);
    }

    /// All, by name.
    pub fn all(&self) -> BTreeMap<String, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
