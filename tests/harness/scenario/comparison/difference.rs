//! The first difference between two outcomes of one scenario.

use std::fmt;

use super::table_drawing::draw;
use crate::scenario::outcome::Outcome;
use crate::scenario::recording::Recording;
use crate::scenario::scenario_record::Scenario;
use crate::scenario::snapshot::Snapshot;
use crate::scenario::value::Value;

/// The first point at which a world differs from what was expected. `Display` is a report for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Index of the operation; -1 for the set-up
    at: i64,
    step: String,
    expected: Answered,
    got: Answered,
    tables_differ: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answered {
    result: Option<Outcome>,
    value: Option<Value>,
    tables: Option<Snapshot>,
}

impl Difference {
    /// The index of the operation after which the worlds differ; -1 where they differ after the set-up.
    pub fn at(&self) -> i64 {
        self.at
    }

    /// The outcome, the value and the tables that were found, each where it is not the expected one.
    pub fn parts_that_differ(&self) -> (Option<Outcome>, Option<Value>, Option<Snapshot>) {
        let Self { expected, got, .. } = self;
        (
            got.result.filter(|_| got.result != expected.result),
            got.value.clone().filter(|_| got.value != expected.value),
            got.tables.clone().filter(|_| self.tables_differ),
        )
    }
}

/// The first difference between two recordings of the scenario, step by step: errno, then value, then tables.
pub fn first_difference(scenario: &Scenario, expected: &Recording, got: &Recording) -> Option<Difference> {
    if expected == got {
        return None;
    }
    let last = i64::try_from(scenario.ops.len()).unwrap_or(i64::MAX);
    (-1..last).find_map(|at| {
        let expected = answered(expected, at);
        let got = answered(got, at);
        let step = usize::try_from(at).ok().map_or_else(|| "the set-up".to_owned(), |at| scenario.ops[at].to_string());
        let tables_differ = expected.tables != got.tables;
        (expected != got).then_some(Difference { at, step, expected, got, tables_differ })
    })
}

fn answered(recording: &Recording, at: i64) -> Answered {
    let index = usize::try_from(at).ok();
    Answered {
        result: index.and_then(|index| recording.results.get(index).copied()),
        value: index.and_then(|index| recording.values.get(&index).cloned()),
        tables: recording.tables_after(at).cloned(),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at < 0 {
            writeln!(f, "after {}", self.step)?;
        } else {
            writeln!(f, "at operation {}: {}", self.at, self.step)?;
        }
        writeln!(f, "  expected {}", in_words(&self.expected))?;
        writeln!(f, "  got      {}", in_words(&self.got))?;
        if self.tables_differ {
            write_tables(f, "expected tables", self.expected.tables.as_ref())?;
            write_tables(f, "tables got", self.got.tables.as_ref())
        } else {
            write_tables(f, "tables, as expected", self.got.tables.as_ref())
        }
    }
}

fn in_words(answered: &Answered) -> String {
    let mut words = answered.result.map_or_else(|| "the tables below".to_owned(), |result| result.to_string());
    if let Some(value) = &answered.value {
        let value = serde_json::to_string(value).unwrap_or_else(|error| error.to_string());
        words.push_str(" with ");
        words.push_str(&value);
    }
    words
}

fn write_tables(f: &mut fmt::Formatter<'_>, title: &str, tables: Option<&Snapshot>) -> fmt::Result {
    writeln!(f, "  {title}:")?;
    match tables {
        None => writeln!(f, "    none"),
        Some(tables) => draw(tables).lines().try_for_each(|line| writeln!(f, "    {line}")),
    }
}
