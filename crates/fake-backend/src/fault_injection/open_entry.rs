//! One pinned file whose calls are under control.

use std::path::PathBuf;

use mountwright_core::error::Subject;
use mountwright_core::file::Metadata;
use mountwright_core::{FileMode, OpenEntry, Operation, OsError};

use crate::fault_injection::control::Control;

/// A pinned file, and the control that its calls are under.
pub(crate) struct ControlledEntry<C> {
    control: C,
    entry: Box<dyn OpenEntry>,
    shown: PathBuf,
}

impl<C: Control> ControlledEntry<C> {
    pub(crate) fn new(control: C, entry: Box<dyn OpenEntry>, shown: PathBuf) -> Self {
        Self { control, entry, shown }
    }

    fn on<T>(
        &self,
        method: &'static str,
        operation: Operation,
        act: impl FnOnce(&(dyn OpenEntry + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let subject = || Subject::Path(self.shown.clone());
        self.control.call((method, operation), subject, || act(&*self.entry))
    }
}

impl<C: Control> OpenEntry for ControlledEntry<C> {
    fn metadata(&self) -> Result<Metadata, OsError> {
        self.on("OpenEntry::metadata", Operation::Metadata, OpenEntry::metadata)
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on("OpenEntry::set_owner", Operation::SetOwner, |entry| entry.set_owner(uid, gid))
    }

    fn set_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on("OpenEntry::set_mode", Operation::SetMode, |entry| entry.set_mode(mode))
    }

    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError> {
        self.on("OpenEntry::capabilities", Operation::Capabilities, OpenEntry::capabilities)
    }

    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError> {
        self.on("OpenEntry::set_capabilities", Operation::SetCapabilities, |entry| entry.set_capabilities(capabilities))
    }
}
