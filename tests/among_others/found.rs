//! Named violations, counted.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::expected::Known;

/// Number of examples of a violation that are kept.
const EXAMPLES: usize = 2;

/// The counts of one search: runs, and violations by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) runs: u64,
    pub(crate) violations: BTreeMap<(String, String), Violations>,
    /// Number of runs by the results of the two callers.
    pub(crate) answers: BTreeMap<(String, String), u64>,
}

/// Violations of one name in one subject.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Violations {
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Found {
    /// Notes a violation; `subject` is the operation or the pair.
    pub(crate) fn note(&mut self, subject: &str, name: &str, example: impl FnOnce() -> String) {
        let violations = self.violations.entry((subject.to_owned(), name.to_owned())).or_default();
        violations.count += 1;
        if violations.examples.len() < EXAMPLES {
            violations.examples.push(example());
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        for (key, more) in &other.answers {
            *self.answers.entry(key.clone()).or_default() += more;
        }
        for (key, more) in &other.violations {
            let violations = self.violations.entry(key.clone()).or_default();
            violations.count += more.count;
            let wanted = EXAMPLES.saturating_sub(violations.examples.len());
            violations.examples.extend(more.examples.iter().take(wanted).cloned());
        }
    }
}

/// Violations of all searches, by the name of the search.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(Arc<Mutex<BTreeMap<&'static str, Found>>>);

impl Table {
    pub(crate) fn add(&self, search: &'static str, found: &Found) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(search).or_default().add(found);
    }
}

impl Table {
    /// Those of the known violations that no search has found, one a line.
    pub(crate) fn not_found(&self, known: impl Iterator<Item = Known>) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = |[search, subject, name]: &Known| {
            let of_search = all.get(search);
            of_search.is_some_and(|found| {
                found.violations.keys().any(|key| (key.0.as_str(), key.1.as_str()) == (*subject, *name))
            })
        };
        known.filter(|known| !found(known)).map(|known| known.join(" | ") + "\n").collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (search, found) in &*all {
            let count: u64 = found.violations.values().map(|violations| violations.count).sum();
            writeln!(f, "{search}: {} runs, {count} violations", found.runs)?;
            for ((subject, name), Violations { count, .. }) in &found.violations {
                writeln!(f, "| {search} | {subject} | `{name}` | {count} |")?;
            }
            for ((subject, answers), count) in &found.answers {
                writeln!(f, "  {subject}: {answers}: {count}")?;
            }
        }
        Ok(())
    }
}
