//! The listing of a directory, entry by entry.

use std::fmt;

use crate::error::OsError;
use crate::file::{DirectoryEntry, EntryRef};

/// The entries of a directory, read as they are asked for.
///
/// * In the order of the filesystem; without `.` and `..`.
/// * After an error it ends.
/// * It keeps its own descriptors open: it may outlive the [`Directory`](crate::ports::Directory) that it came from.
pub struct DirectoryEntries(Listing);

enum Listing {
    /// An iterator, and the entry of it that is lent.
    Iterator(Box<dyn Iterator<Item = Result<DirectoryEntry, OsError>> + Send>, Option<DirectoryEntry>),
    Lending(Box<dyn LendEntries>),
}

/// A listing that keeps the names and lends them, one at a time.
pub trait LendEntries: Send {
    /// The next entry, until the next call; `None` at the end, and after an error.
    ///
    /// # Errors
    ///
    /// Those of the filesystem.
    fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>>;
}

impl DirectoryEntries {
    /// Wraps an iterator.
    pub fn new(entries: impl Iterator<Item = Result<DirectoryEntry, OsError>> + Send + 'static) -> Self {
        Self(Listing::Iterator(Box::new(entries), None))
    }

    /// Wraps a listing that lends.
    pub fn lending(entries: impl LendEntries + 'static) -> Self {
        Self(Listing::Lending(Box::new(entries)))
    }

    /// The next entry, borrowed: for callers that read many entries and keep none. Advances as [`next`](Iterator::next)
    /// does.
    ///
    /// # Errors
    ///
    /// Those of the filesystem.
    pub fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>> {
        match &mut self.0 {
            Listing::Iterator(entries, lent) => match entries.next()? {
                Ok(entry) => Some(Ok(EntryRef::from(&*lent.insert(entry)))),
                Err(error) => Some(Err(error)),
            },
            Listing::Lending(entries) => entries.lend_next(),
        }
    }
}

impl Iterator for DirectoryEntries {
    type Item = Result<DirectoryEntry, OsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Listing::Iterator(entries, _) => entries.next(),
            Listing::Lending(entries) => entries.lend_next().map(|entry| entry.map(EntryRef::to_entry)),
        }
    }
}

impl fmt::Debug for DirectoryEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DirectoryEntries")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation};
    use crate::file::FileKind;

    fn entry(name: &str) -> DirectoryEntry {
        DirectoryEntry { name: name.into(), kind: FileKind::Regular, inode: 7 }
    }

    /// A listing that lends what it has.
    struct Lender(Vec<DirectoryEntry>, usize);

    impl LendEntries for Lender {
        fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>> {
            self.1 += 1;
            self.0.get(self.1 - 1).map(|entry| Ok(entry.into()))
        }
    }

    #[test]
    fn entries_can_be_taken_and_lent_by_turns_whatever_is_behind() {
        let all = || ["a", "b", "c"].map(entry).to_vec();
        for mut entries in
            [DirectoryEntries::new(all().into_iter().map(Ok)), DirectoryEntries::lending(Lender(all(), 0))]
        {
            assert_eq!(entries.lend_next().unwrap().unwrap(), EntryRef::from(&entry("a")));
            assert_eq!(entries.next().unwrap().unwrap(), entry("b"));
            assert_eq!(entries.lend_next().unwrap().unwrap().to_entry(), entry("c"));
            assert!(entries.lend_next().is_none() && entries.next().is_none());
        }
    }

    #[test]
    fn an_error_is_lent_on() {
        let error = || OsError::new(Operation::ReadDir, "/d", Errno::EIO);
        let mut entries = DirectoryEntries::new([Ok(entry("a")), Err(error())].into_iter());
        assert!(entries.lend_next().unwrap().is_ok());
        assert_eq!(entries.lend_next().unwrap().unwrap_err(), error());
        assert!(entries.lend_next().is_none());
    }
}
