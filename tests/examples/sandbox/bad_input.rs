//! Unusable input.

use std::fmt;

/// One line that describes the mistake in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadInput(String);

impl BadInput {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}
