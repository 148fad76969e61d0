//! The listing of a directory, entry by entry.

use std::fmt;

use crate::{DirectoryEntry, OsError};

/// The entries of a directory, read as they are asked for.
///
/// * In the order of the filesystem; without `.` and `..`.
/// * After an error it ends.
/// * It holds what it needs open itself: it may outlive the [`Directory`](crate::Directory) that it came from.
pub struct DirectoryEntries(Box<dyn Iterator<Item = Result<DirectoryEntry, OsError>> + Send>);

impl DirectoryEntries {
    /// Wraps an iterator.
    pub fn new(entries: impl Iterator<Item = Result<DirectoryEntry, OsError>> + Send + 'static) -> Self {
        Self(Box::new(entries))
    }
}

impl Iterator for DirectoryEntries {
    type Item = Result<DirectoryEntry, OsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl fmt::Debug for DirectoryEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryEntries")
    }
}
