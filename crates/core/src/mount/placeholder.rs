//! Files and directories that were created as mount targets.

use std::fmt;

use crate::file::FileIdentity;
use crate::path::{Location, printable};

/// An empty directory or an empty file that was created as a mount target, or a directory that was created above one.
///
/// After the unmount it is removed by its identity: another file that has its name by then stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Placeholder {
    /// The place at which it was created.
    pub at: Location,
    /// The identity of the file or directory.
    pub identity: FileIdentity,
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", printable(self.at.for_display()), self.identity)
    }
}
