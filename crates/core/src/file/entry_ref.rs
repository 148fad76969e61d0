//! One entry of a directory, lent.

use std::ffi::OsStr;

use crate::file::{DirectoryEntry, FileKind};

/// A [`DirectoryEntry`] that borrows its name from the listing, so that reading many entries copies no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// The name: bytes, not necessarily UTF-8.
    pub name: &'a OsStr,
    /// Its type.
    pub kind: FileKind,
    /// Its inode number.
    pub inode: u64,
}

impl EntryRef<'_> {
    /// An owned copy.
    pub fn to_entry(self) -> DirectoryEntry {
        DirectoryEntry { name: self.name.to_owned(), kind: self.kind, inode: self.inode }
    }
}

impl<'a> From<&'a DirectoryEntry> for EntryRef<'a> {
    fn from(entry: &'a DirectoryEntry) -> Self {
        Self { name: &entry.name, kind: entry.kind, inode: entry.inode }
    }
}
