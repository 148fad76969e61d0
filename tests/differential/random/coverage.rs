//! The coverage of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use mountwright_tests::scenario::{Outcome, Recording, Scenario};
use serde::{Deserialize, Serialize};

/// Tables of this many mounts are large.
const LARGE: usize = 20;

/// Counts of operations and of the kernel's results.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Coverage {
    pub(crate) histories: u64,
    pub(crate) operations: u64,
    succeeded: u64,
    on_large_tables: u64,
    /// By operation: how often it was left out because the kernel is too old for it
    left_out: BTreeMap<String, u64>,
    answers: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Coverage {
    /// Counts a history and its outcome on the kernel.
    pub(crate) fn count(&mut self, scenario: &Scenario, recording: &Recording) {
        self.histories += 1;
        let mut largest = 0;
        let mut tables = recording.tables.iter().peekable();
        for (index, (step, result)) in scenario.ops.iter().zip(&recording.results).enumerate() {
            // The operation acts on the tables that the ones before it left.
            while let Some((_, snapshot)) =
                tables.next_if(|(at, _)| usize::try_from(*at).is_ok_and(|at| at < index) || *at < 0)
            {
                largest = snapshot.0.values().map(Vec::len).max().unwrap_or(0);
            }
            self.operations += 1;
            self.succeeded += u64::from(*result == Outcome::Ok);
            self.on_large_tables += u64::from(largest >= LARGE);
            let answers = self.answers.entry(step.operation.name()).or_default();
            *answers.entry(result.to_string()).or_default() += 1;
        }
    }

    /// Counts the operations that were not drawn for this kernel.
    pub(crate) fn count_left_out(&mut self, operations: &[String]) {
        for operation in operations {
            *self.left_out.entry(operation.clone()).or_default() += 1;
        }
    }

    pub(crate) fn has_left_out(&self, operation: &str) -> bool {
        self.left_out.contains_key(operation)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.operations += other.operations;
        self.succeeded += other.succeeded;
        self.on_large_tables += other.on_large_tables;
        for (operation, count) in other.left_out {
            *self.left_out.entry(operation).or_default() += count;
        }
        for (operation, answers) in other.answers {
            let mine = self.answers.entry(operation).or_default();
            for (answer, count) in answers {
                *mine.entry(answer).or_default() += count;
            }
        }
    }

    /// The pairs of operation and result that occurred fewer times than this.
    pub(crate) fn rarer_than(&self, least: u64, wanted: &BTreeSet<(String, String)>) -> Vec<String> {
        let met = |operation: &str, answer: &str| {
            self.answers.get(operation).and_then(|answers| answers.get(answer)).copied().unwrap_or(0)
        };
        wanted
            .iter()
            .filter(|(operation, answer)| met(operation, answer) < least)
            .map(|(operation, answer)| format!("{operation} {answer} ({})", met(operation, answer)))
            .collect()
    }

    pub(crate) fn percent_succeeded(&self) -> u64 {
        100 * self.succeeded / self.operations.max(1)
    }

    pub(crate) fn percent_on_large_tables(&self) -> u64 {
        100 * self.on_large_tables / self.operations.max(1)
    }

    /// One line for each operation: its results, the most frequent first.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for (operation, answers) in &self.answers {
            let mut answers: Vec<_> = answers.iter().collect();
            answers.sort_by_key(|(answer, count)| (std::cmp::Reverse(**count), (*answer).clone()));
            let answers: Vec<String> = answers.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
            let _ = writeln!(text, "  {operation:<16}{}", answers.join(", "));
        }
        let _ = writeln!(
            text,
            "  {} operations in {} histories; {}% succeed, {}% act on tables of {LARGE} mounts or more",
            self.operations,
            self.histories,
            self.percent_succeeded(),
            self.percent_on_large_tables(),
        );
        if !self.left_out.is_empty() {
            let left_out: Vec<String> = self.left_out.iter().map(|(name, count)| format!("{name} {count}")).collect();
            let _ = writeln!(text, "  not run, this kernel is too old: {}", left_out.join(", "));
        }
        text
    }
}
