//! The port to files and directories, with the plan around each call.

use std::path::{Path, PathBuf};

use mountwright_core::error::Subject;
use mountwright_core::file::{FileIdentity, FinalSymlink, Metadata};
use mountwright_core::{Directory, FileMode, Filesystem, Location, Operation, OsError};

use crate::fake_backend::FakeBackend;
use crate::fault_injection::directory::PlannedDirectory;

impl Filesystem for FakeBackend {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.call(Operation::Metadata, || at.for_display().into(), |linux| linux.metadata(at, link))
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.call(Operation::Canonicalize, || path.into(), |linux| linux.canonicalize(path))
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.call(Operation::CurrentDir, || Subject::Namespace, Filesystem::current_dir)
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.call(Operation::OpenDir, || at.for_display().into(), |linux| linux.open_dir(at))?;
        Ok(PlannedDirectory::around(self, opened, || at.for_display()))
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.call(Operation::ReadLink, || at.for_display().into(), |linux| linux.read_link(at))
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.call(Operation::CreateDir, || at.for_display().into(), |linux| linux.create_dir(at, mode))
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.call(Operation::CreateFile, || at.for_display().into(), |linux| linux.create_file(at, mode))
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.call(Operation::RemoveDir, || at.for_display().into(), |linux| linux.remove_dir(at))
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.call(Operation::RemoveFile, || at.for_display().into(), |linux| linux.remove_file(at))
    }
}
