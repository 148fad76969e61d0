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

impl Harm {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Escape,
        Self::LostByte,
        Self::LeftoverMount,
        Self::LeftoverName,
        Self::LostMount,
        Self::WritableWindow,
        Self::HalfDone,
        Self::OpenDescriptor,
        Self::Endless,
        Self::NoConvergence,
    ];
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape => "escape",
            Self::LostByte => "lost byte",
            Self::LeftoverMount => "left-over mount",
            Self::LeftoverName => "left-over name",
            Self::LostMount => "lost mount",
            Self::WritableWindow => "writable window",
            Self::HalfDone => "half done",
            Self::OpenDescriptor => "open descriptor",
            Self::Endless => "endless",
            Self::NoConvergence => "no convergence",
        })
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
