//! One pinned file, with the plan around each call.

use std::path::PathBuf;

use mountwright_core::error::Subject;
use mountwright_core::file::Metadata;
use mountwright_core::{FileMode, OpenEntry, Operation, OsError};

use crate::fake_backend::FakeBackend;

/// A pinned file of the Linux backend, and the handle whose plan its calls follow.
pub(crate) struct PlannedEntry {
    host: FakeBackend,
    entry: Box<dyn OpenEntry>,
    shown: PathBuf,
}

impl PlannedEntry {
    pub(crate) fn new(host: FakeBackend, entry: Box<dyn OpenEntry>, shown: PathBuf) -> Self {
        Self { host, entry, shown }
    }

    fn on<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&(dyn OpenEntry + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        self.host.call(operation, || Subject::Path(self.shown.clone()), |_| act(&*self.entry))
    }
}

impl OpenEntry for PlannedEntry {
    fn metadata(&self) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, OpenEntry::metadata)
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on(Operation::SetOwner, |entry| entry.set_owner(uid, gid))
    }

    fn set_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::SetMode, |entry| entry.set_mode(mode))
    }

    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError> {
        self.on(Operation::Capabilities, OpenEntry::capabilities)
    }

    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError> {
        self.on(Operation::SetCapabilities, |entry| entry.set_capabilities(capabilities))
    }
}
