//! What a mount is put on.

use std::fmt;

use crate::file::FileIdentity;
use crate::path::{Location, printable};

/// An empty directory or an empty file that was made for a mount to be put on, or a directory on the way to one.
///
/// Whoever takes the mount off removes it by its identity: another file that has its name by then stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Placeholder {
    /// Where it was made.
    pub at: Location,
    /// Which file it is.
    pub identity: FileIdentity,
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", printable(self.at.for_display()), self.identity)
    }
}
