//! The recorded outcome of a scenario on a world.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outcome::Outcome;
use super::snapshot::Snapshot;
use super::value::Value;

/// The outcome of a scenario in the normalised shape.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// One outcome for each operation
    pub results: Vec<Outcome>,
    /// Values by index of the operation
    pub values: BTreeMap<usize, Value>,
    /// The tables after the operation of this index, -1 for the set-up, wherever they differ from the ones before
    pub tables: Vec<(i64, Snapshot)>,
}

impl Recording {
    /// The tables as they were after the operation of this index (-1: after the set-up).
    pub fn tables_after(&self, index: i64) -> Option<&Snapshot> {
        self.tables.iter().take_while(|(at, _)| *at <= index).last().map(|(_, snapshot)| snapshot)
    }
}
