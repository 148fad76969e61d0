//! Violations: states that no run may leave.

use std::fmt;

/// A kind of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// Something outside the root was changed: a mount, a name, a byte, an attribute.
    Escape,
    /// A byte of what was shared is gone.
    LostByte,
    /// A mount is left that was not requested and that no error names.
    LeftoverMount,
    /// A directory or file is left that no error names.
    LeftoverName,
    /// A mount that was to stay is gone or changed.
    LostMount,
    /// A mount that was to be read-only could be written through.
    WritableWindow,
    /// Neither as before nor whole.
    HalfDone,
    /// A descriptor stayed open.
    OpenDescriptor,
    /// It made thousands of calls and did not end.
    Endless,
    /// A second run after a death did not put things right.
    NoConvergence,
}

/// Every kind, with its name.
const NAMES: [(Harm, &str); 10] = [
    (Harm::Escape, "escape"),
    (Harm::LostByte, "lost byte"),
    (Harm::LeftoverMount, "left-over mount"),
    (Harm::LeftoverName, "left-over name"),
    (Harm::LostMount, "lost mount"),
    (Harm::WritableWindow, "writable window"),
    (Harm::HalfDone, "half done"),
    (Harm::OpenDescriptor, "open descriptor"),
    (Harm::Endless, "endless"),
    (Harm::NoConvergence, "no convergence"),
];

impl Harm {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.into_iter().map(|(harm, _)| harm)
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        NAMES.iter().filter(|(harm, _)| harm == self).try_for_each(|(_, name)| f.write_str(name))
    }
}

/// One harm, and what was seen of it.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The kind.
    pub harm: Harm,
    /// The observation, in words.
    pub what: String,
}

impl Violation {
    /// One.
    pub fn new(harm: Harm, what: impl Into<String>) -> Self {
        Self { harm, what: what.into() }
    }
}
