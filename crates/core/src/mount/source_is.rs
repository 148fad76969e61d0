//! The file that a bind may have as its source.

use std::fmt;

use crate::file::{DeviceNumber, FileIdentity};

/// The only source that a bind accepts ([`BindRequest::only_if`](crate::mount::BindRequest::only_if)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum SourceIs {
    /// A node of this character device; 1:3 is `/dev/null` (`Documentation/admin-guide/devices.txt`).
    CharacterDevice(DeviceNumber),
    /// A node of this block device.
    BlockDevice(DeviceNumber),
    /// This file.
    File(FileIdentity),
}

impl fmt::Display for SourceIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CharacterDevice(device) => write!(f, "character device {device}"),
            Self::BlockDevice(device) => write!(f, "block device {device}"),
            Self::File(file) => fmt::Display::fmt(file, f),
        }
    }
}
