//! Which file it is.

use std::fmt;

use crate::file::{DeviceNumber, FileKind, Metadata};

/// Which file a name led to when it was looked at: the same name may lead to another one later.
///
/// An inode number is used again once its file is gone, so equality proves sameness only together with something else: here,
/// that nothing but an empty directory or an empty file is ever removed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileIdentity {
    /// The device number of the filesystem that holds it.
    pub device: DeviceNumber,
    /// Its inode number.
    pub inode: u64,
    /// What it is.
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
