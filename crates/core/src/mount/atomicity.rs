//! How strong the result of an operation is.

use std::fmt;

/// How an operation came to its result. Later is stronger: `Window < Atomic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Guarantee {
    /// There was a moment in which others could see a half-made state: an attribute not yet set, a tree in part changed.
    Window,
    /// Nobody could see anything but before and after.
    Atomic,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Window => "after a window",
            Self::Atomic => "atomic",
        })
    }
}
