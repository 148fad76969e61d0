//! The outcome of an operation.

use std::fmt;

use mountwright_core::Errno;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `OK`, or the name of an errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The call succeeded.
    Ok,
    /// The call failed.
    Failed(Errno),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("OK"),
            Self::Failed(errno) => errno.fmt(f),
        }
    }
}

/// The highest errno that has a name.
const LAST_NAMED: i32 = 133;

fn errno_named(name: &str) -> Option<Errno> {
    (1..=LAST_NAMED).filter_map(Errno::from_raw).find(|errno| errno.name() == Some(name))
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        if word == "OK" {
            return Ok(Self::Ok);
        }
        errno_named(&word)
            .map(Self::Failed)
            .ok_or_else(|| serde::de::Error::custom(format_args!("`{word}` is neither OK nor the name of an errno")))
    }
}
