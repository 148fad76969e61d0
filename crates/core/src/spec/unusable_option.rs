//! Mount options that cannot be used.

use std::fmt;

/// A word of an option list that cannot be used. The text after a `=` in it is left out: it may be a secret.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("mount option {:?} cannot be used: {reason}", .word)]
pub struct UnusableOption {
    word: String,
    reason: String,
}

impl UnusableOption {
    pub(crate) fn new(word: &str, reason: impl Into<String>) -> Self {
        let shown = word.split_once('=').map_or_else(|| word.to_owned(), |(key, _)| format!("{key}=…"));
        Self { word: shown, reason: reason.into() }
    }

    pub(crate) fn contradiction(word: &str, other: impl AsRef<str>) -> Self {
        Self::new(word, format!("it contradicts {:?}", other.as_ref()))
    }

    /// The word, without the value behind its `=`.
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Debug for UnusableOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
