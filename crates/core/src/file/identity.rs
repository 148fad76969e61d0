//! Identity of a file.

use std::fmt;

use crate::file::{DeviceNumber, FileKind, Metadata};

/// The file that a name led to when it was looked up: the same name may lead to another file later.
///
/// An inode number is reused once its file is gone, so equal identities do not prove that it is the same file. This
/// suffices here, because only an empty directory or an empty file is ever removed by its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileIdentity {
    /// The device number of the filesystem that holds it.
    pub device: DeviceNumber,
    /// Its inode number.
    pub inode: u64,
    /// Its type.
    pub kind: FileKind,
}

impl From<&Metadata> for FileIdentity {
    fn from(found: &Metadata) -> Self {
        Self { device: found.device, inode: found.inode, kind: found.kind }
    }
}

impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of device {}", self.kind, self.inode, self.device)
    }
}
