//! The listing of a directory, which ends with its process.

use std::path::PathBuf;

use mountwright_core::file::EntryRef;
use mountwright_core::ports::{DirectoryEntries, LendEntries};
use mountwright_core::{Errno, Operation, OsError};

use crate::fake_backend::FakeBackend;
use crate::fault_injection::plan::ENDED;

pub(super) struct PlannedEntries {
    host: FakeBackend,
    entries: DirectoryEntries,
    shown: PathBuf,
}

impl PlannedEntries {
    pub(super) fn new(host: FakeBackend, entries: DirectoryEntries, shown: PathBuf) -> Self {
        Self { host, entries, shown }
    }
}

impl LendEntries for PlannedEntries {
    fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>> {
        if self.host.has_ended() {
            return Some(Err(OsError::new(Operation::ReadDir, self.shown.as_path(), Errno::ESRCH).at_step(ENDED)));
        }
        self.entries.lend_next()
    }
}
