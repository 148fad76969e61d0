//! Guarantees about the visibility of intermediate states.

use std::fmt;

/// The guarantee that an operation gave. Later is stronger: `Window < Atomic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Guarantee {
    /// Other processes could see an intermediate state for a moment: an attribute not yet set, a tree changed only in
    /// places.
    Window,
    /// Other processes could see only the state before and the state after.
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
