//! The listing of a directory, which ends with its process.

use std::path::PathBuf;

use mountwright_core::file::EntryRef;
use mountwright_core::ports::{DirectoryEntries, LendEntries};
use mountwright_core::{Errno, Operation, OsError};

use crate::fault_injection::control::Control;
use crate::fault_injection::plan::ENDED;

pub(super) struct ControlledEntries<C> {
    control: C,
    entries: DirectoryEntries,
    shown: PathBuf,
}

impl<C: Control> ControlledEntries<C> {
    pub(super) fn new(control: C, entries: DirectoryEntries, shown: PathBuf) -> Self {
        Self { control, entries, shown }
    }
}

impl<C: Control> LendEntries for ControlledEntries<C> {
    fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>> {
        if self.control.has_ended() {
            return Some(Err(OsError::new(Operation::ReadDir, self.shown.as_path(), Errno::ESRCH).at_step(ENDED)));
        }
        self.entries.lend_next()
    }
}
