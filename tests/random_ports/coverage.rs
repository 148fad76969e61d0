//! The coverage of a run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::play::{NO_CALL, Outcome};

/// Counts of port calls and of the kernel's results.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Coverage {
    histories: u64,
    pub(crate) calls: u64,
    succeeded: u64,
    answers: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Coverage {
    pub(crate) fn count(&mut self, history: &[Call], outcomes: &[Outcome]) {
        self.histories += 1;
        for (call, outcome) in history.iter().zip(outcomes) {
            let Some(name) = call.name().filter(|_| outcome.result != NO_CALL) else { continue };
            self.calls += 1;
            self.succeeded += u64::from(outcome.result == "OK");
            *self.answers.entry(name).or_default().entry(outcome.result.clone()).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.calls += other.calls;
        self.succeeded += other.succeeded;
        for (call, answers) in other.answers {
            let mine = self.answers.entry(call).or_default();
            for (answer, count) in answers {
                *mine.entry(answer).or_default() += count;
            }
        }
    }

    /// One line for each call: its results, the most frequent first.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for (call, answers) in &self.answers {
            let mut answers: Vec<_> = answers.iter().collect();
            answers.sort_by_key(|(answer, count)| (Reverse(**count), (*answer).clone()));
            let answers: Vec<_> = answers.iter().map(|(answer, count)| format!("{answer} {count}")).collect();
            let _ = writeln!(text, "  {call:28} {}", answers.join(", "));
        }
        let percent = 100 * self.succeeded / self.calls.max(1);
        let _ = write!(text, "  {} port calls in {} histories, {percent}% succeeded", self.calls, self.histories);
        text
    }
}
