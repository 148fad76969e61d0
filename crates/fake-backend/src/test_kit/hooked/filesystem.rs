//! The port [`Filesystem`], with something around each call.

use std::path::{Path, PathBuf};

use mountwright_core::file::{FileIdentity, FinalSymlink, Metadata};
use mountwright_core::{Directory, FileMode, Filesystem, Location, Operation, OsError};

use crate::test_kit::hooked::wrapper::Hooked;

impl<B: Filesystem> Filesystem for Hooked<B> {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.around.call(
            "Filesystem::metadata",
            Operation::Metadata,
            || at.for_display(),
            || self.backend.metadata(at, link),
        )
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.around.call(
            "Filesystem::canonicalize",
            Operation::Canonicalize,
            || path.into(),
            || self.backend.canonicalize(path),
        )
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.around.call("Filesystem::current_dir", Operation::CurrentDir, PathBuf::new, || self.backend.current_dir())
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.around.call(
            "Filesystem::open_dir",
            Operation::OpenDir,
            || at.for_display(),
            || self.backend.open_dir(at),
        )?;
        Ok(self.around.directory(opened))
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.around.call(
            "Filesystem::read_link",
            Operation::ReadLink,
            || at.for_display(),
            || self.backend.read_link(at),
        )
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.around.call(
            "Filesystem::create_dir",
            Operation::CreateDir,
            || at.for_display(),
            || self.backend.create_dir(at, mode),
        )
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.around.call(
            "Filesystem::create_file",
            Operation::CreateFile,
            || at.for_display(),
            || self.backend.create_file(at, mode),
        )
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.around.call(
            "Filesystem::remove_dir",
            Operation::RemoveDir,
            || at.for_display(),
            || self.backend.remove_dir(at),
        )
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.around.call(
            "Filesystem::remove_file",
            Operation::RemoveFile,
            || at.for_display(),
            || self.backend.remove_file(at),
        )
    }
}
