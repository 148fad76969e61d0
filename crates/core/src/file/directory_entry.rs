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
    /// Its type. Where the filesystem does not report one (`DT_UNKNOWN`), the backend has read it from the inode.
    pub kind: FileKind,
    /// Its inode number as the directory lists it: for a mount point, the inode beneath the mount.
    pub inode: u64,
}
