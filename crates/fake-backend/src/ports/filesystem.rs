//! The port to files and directories.

use std::path::{Path, PathBuf};

use mountwright_core::{Directory, FileMode, Filesystem, FinalLink, Location, Metadata, Operation, OsError, Subject};

use super::open_directory::OpenDirectory;
use crate::FakeBackend;
use crate::abi::AT_REMOVEDIR;

impl Filesystem for FakeBackend {
    fn metadata(&self, at: &Location, link: FinalLink) -> Result<Metadata, OsError> {
        self.call(Operation::Metadata, || at.for_display().into(), |calls| calls.metadata(at, link))
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.call(Operation::Canonicalize, || path.into(), |calls| calls.real_path(path))
    }

    // The method has the one lifetime that it is named with, the closure any.
    #[allow(clippy::redundant_closure_for_method_calls)]
    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.call(Operation::CurrentDir, || Subject::Namespace, |calls| calls.current_dir())
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        OpenDirectory::open(self, at).map(|directory| Box::new(directory) as Box<dyn Directory>)
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.call(Operation::ReadLink, || at.for_display().into(), |calls| calls.read_link(at))
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<(), OsError> {
        self.call(Operation::CreateDir, || at.for_display().into(), |calls| calls.create_dir(at, mode))
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<(), OsError> {
        self.call(Operation::CreateFile, || at.for_display().into(), |calls| calls.create_file(at, mode))
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.call(Operation::RemoveDir, || at.for_display().into(), |calls| calls.remove(at, AT_REMOVEDIR))
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.call(Operation::RemoveFile, || at.for_display().into(), |calls| calls.remove(at, 0))
    }
}
