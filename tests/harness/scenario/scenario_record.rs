//! A scenario as it stands in a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::comparison::Elsewhere;
use super::kernel_version::KernelVersion;
use super::outcome::Outcome;
use super::recording::Recording;
use super::snapshot::Snapshot;
use super::step::Step;
use super::value::Value;

/// A history, and the kernel's outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique in its file
    pub name: String,
    /// The author
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The subject
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The rule that it shows
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The first kernel with this known outcome; the history is not run on an older one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<KernelVersion>,
    /// The last kernel with this known outcome; the history is not run on a newer one
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<KernelVersion>,
    /// Run first; every step succeeds
    #[serde(default)]
    pub setup: Vec<Step>,
    /// The history
    pub ops: Vec<Step>,
    /// The recorded outcomes; absent where nothing was recorded yet
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub results: Option<Vec<Outcome>>,
    /// The recorded values
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<usize, Value>>,
    /// The recorded tables
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<(i64, Snapshot)>>,
    /// The outcomes of kernels that differ from the recording
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<Elsewhere>,
    /// The outcome that the author expected before the run on the kernel; never compared
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_expected: Option<serde_json::Value>,
    /// The differences between that and the kernel; never compared
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_differs: Option<serde_json::Value>,
}

impl Scenario {
    /// A history that nothing was recorded for.
    pub fn new(name: impl Into<String>, setup: Vec<Step>, ops: Vec<Step>) -> Self {
        Self { name: name.into(), setup, ops, ..Self::default() }
    }

    /// Returns the recorded outcome; `None` if the file holds only the history.
    pub fn recorded(&self) -> Option<Recording> {
        Some(Recording {
            results: self.results.clone()?,
            values: self.values.clone().unwrap_or_default(),
            tables: self.tables.clone()?,
        })
    }

    /// The history and its recording, ended before the operation of this index.
    pub fn up_to(&self, end: usize) -> Self {
        let mut short = self.clone();
        short.ops.truncate(end);
        if let Some(results) = &mut short.results {
            results.truncate(end);
        }
        if let Some(values) = &mut short.values {
            values.retain(|&at, _| at < end);
        }
        if let Some(tables) = &mut short.tables {
            tables.retain(|(at, _)| usize::try_from(*at).map_or(true, |at| at < end));
        }
        short
    }

    /// The same history with this recording.
    pub fn with_recording(self, recording: Recording) -> Self {
        let Recording { results, values, tables } = recording;
        Self { results: Some(results), values: Some(values), tables: Some(tables), ..self }
    }
}
