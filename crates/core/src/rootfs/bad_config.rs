//! Specifications of which no plan can be made.

use std::fmt;

use crate::path::printable;

/// The first value of a `config.json` of which no plan can be made: its JSON path, and the reason. One line, fit for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConfig {
    path: String,
    reason: String,
}

impl BadConfig {
    pub(crate) fn new(path: impl AsRef<str>, reason: impl AsRef<str>) -> Self {
        Self { path: printable(path.as_ref()), reason: printable(reason.as_ref()) }
    }

    /// The JSON path of the value: `mounts[3].options[1]`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for BadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config.json: {}: {}", self.path, self.reason)
    }
}

impl std::error::Error for BadConfig {}
