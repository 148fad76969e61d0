//! Counts of the kills of one layout.

use std::collections::BTreeMap;
use std::fmt;

use mountwright_core::unmount::Report;
use serde::{Deserialize, Serialize};

use super::neighbours::Ours;

/// The reply of a worker.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) no_namespace: Option<String>,
    pub(crate) kills: usize,
    /// Kills by the operation that had begun.
    pub(super) during: BTreeMap<String, usize>,
    /// Kills that left mounts; names and no mount; nothing.
    pub(super) left: [usize; 3],
    /// Recoveries that were given a record.
    pub(super) with_record: usize,
    /// Kills after which a staging directory was there until the next bind.
    pub(super) staged: usize,
    /// The things that recoveries named as left, by its reason.
    pub(super) rest: BTreeMap<String, usize>,
    pub(crate) bad: Vec<String>,
}

impl Reply {
    pub(super) fn note_moment(&mut self, operation: &str, ours: &Ours) {
        self.kills += 1;
        *self.during.entry(operation.to_owned()).or_default() += 1;
        let kind = if ours.mounts[0].is_empty() { 1 + usize::from(ours.names.is_empty()) } else { 0 };
        self.left[kind] += 1;
    }

    pub(super) fn note_rest(&mut self, report: &Report) {
        let left = report.failures().map(|left| match &left.result {
            Err(error) => format!("mount left, {:?}", error.errno()),
            Ok(removal) => format!("mount left, {removal}"),
        });
        let unproven = report.unproven.iter().map(|unproven| format!("not proven, {}", unproven.reason));
        let failures = report.errors.iter().map(|error| match error.errno() {
            Some(errno) => format!("name kept, {errno}"),
            None => error.to_string(),
        });
        for reason in left.chain(unproven).chain(failures) {
            *self.rest.entry(reason).or_default() += 1;
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, left: [mounts, names, nothing], with_record, staged, bad, .. } = self;
        writeln!(f, "{kills} kills, {} bad", bad.len())?;
        writeln!(f, "  left mounts {mounts}, names alone {names}, nothing {nothing}; a staging directory {staged}")?;
        writeln!(f, "  recovered with a record {with_record}")?;
        for (what, counts) in [("killed during", &self.during), ("named as left", &self.rest)] {
            let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
            writeln!(f, "  {what}: {}", counts.join("; "))?;
        }
        Ok(())
    }
}
