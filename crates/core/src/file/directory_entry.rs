//! One entry of a directory.

use std::ffi::OsString;

use crate::file::FileKind;

/// One entry of a directory: never `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DirectoryEntry {
    /// The name: bytes, not necessarily UTF-8.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub name: OsString,
    /// What it is; where the filesystem does not say (`DT_UNKNOWN`) the backend has looked.
    pub kind: FileKind,
    /// Its inode number, as the directory tells it (beneath a mount, for a mount point).
    pub inode: u64,
}
