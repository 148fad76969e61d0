//! One record of getdents64(2).

use std::ffi::OsStr;

/// One record of getdents64(2); `.` and `..` are among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEntry<'a> {
    /// The inode number in the directory entry.
    pub inode: u64,
    /// `DT_…`: `DT_UNKNOWN` where the filesystem does not say.
    pub kind: u8,
    /// The name.
    pub name: &'a OsStr,
}
