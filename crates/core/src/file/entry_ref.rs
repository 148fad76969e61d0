//! One entry of a directory, lent.

use std::ffi::OsStr;

use crate::file::{DirectoryEntry, FileKind};

/// A [`DirectoryEntry`] whose name belongs to the listing: what passes over many entries needs no copy of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// The name: bytes, not necessarily UTF-8.
    pub name: &'a OsStr,
    /// What it is.
    pub kind: FileKind,
    /// Its inode number.
    pub inode: u64,
}

impl EntryRef<'_> {
    /// The same with a name of its own.
    pub fn to_entry(self) -> DirectoryEntry {
        DirectoryEntry { name: self.name.to_owned(), kind: self.kind, inode: self.inode }
    }
}

impl<'a> From<&'a DirectoryEntry> for EntryRef<'a> {
    fn from(entry: &'a DirectoryEntry) -> Self {
        Self { name: &entry.name, kind: entry.kind, inode: entry.inode }
    }
}
