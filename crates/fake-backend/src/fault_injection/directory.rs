//! One open directory, with the plan around each call.

use std::ffi::OsStr;
use std::path::PathBuf;

use mountwright_core::error::Subject;
use mountwright_core::file::{FileIdentity, Metadata};
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::ports::DirectoryEntries;
use mountwright_core::{Directory, FileMode, MountKey, OpenEntry, Operation, OsError};

use crate::fake_backend::FakeBackend;
use crate::fault_injection::entries::PlannedEntries;
use crate::fault_injection::open_entry::PlannedEntry;

/// An open directory of the Linux backend, and the handle whose plan its calls follow.
pub(crate) struct PlannedDirectory {
    host: FakeBackend,
    directory: Box<dyn Directory>,
    shown: PathBuf,
}

impl PlannedDirectory {
    /// Returns the directory unchanged if nothing is injected into the handle's calls.
    pub(crate) fn around(
        host: &FakeBackend,
        directory: Box<dyn Directory>,
        shown: impl FnOnce() -> PathBuf,
    ) -> Box<dyn Directory> {
        if host.has_plan() { Box::new(Self { host: host.clone(), directory, shown: shown() }) } else { directory }
    }

    /// A call about the directory itself.
    fn on_itself<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&(dyn Directory + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        self.host.call(operation, || Subject::Path(self.shown.clone()), |_| act(&*self.directory))
    }

    /// A call about a name in it.
    fn on<T>(
        &self,
        operation: Operation,
        name: &OsStr,
        act: impl FnOnce(&(dyn Directory + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        self.host.call(operation, || Subject::Path(self.shown.join(name)), |_| act(&*self.directory))
    }
}

impl Directory for PlannedDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.on_itself(Operation::Metadata, Directory::own_metadata)
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, "..".as_ref(), Directory::parent_metadata)
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.on(Operation::OpenDir, "..".as_ref(), Directory::open_parent)?;
        Ok(Self::around(&self.host, opened, || self.shown.join("..")))
    }

    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        let entry = self.on(Operation::OpenEntry, name, |directory| directory.open_entry(name))?;
        Ok(Box::new(PlannedEntry::new(self.host.clone(), entry, self.shown.join(name))))
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        let entries = self.on_itself(Operation::ReadDir, Directory::entries)?;
        Ok(DirectoryEntries::lending(PlannedEntries::new(self.host.clone(), entries, self.shown.clone())))
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, name, |directory| directory.metadata(name))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.on(Operation::OpenDir, name, |directory| directory.open_dir(name, crossing))?;
        Ok(Self::around(&self.host, opened, || self.shown.join(name)))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.on(Operation::ReadLink, name, |directory| directory.read_link(name))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.on(Operation::ReadFile, name, |directory| directory.read_file(name, limit))
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(Operation::CreateDir, name, |directory| directory.create_dir(name, mode))
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(Operation::CreateFile, name, |directory| directory.create_file(name, mode))
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::ReplaceFile, name, |directory| directory.replace_file(name, contents, mode))
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveDir, name, |directory| directory.remove_dir(name))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveFile, name, |directory| directory.remove_file(name))
    }

    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError> {
        self.on(Operation::Unmount, name, |directory| directory.unmount(name, mode, only))
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on(Operation::SetOwner, name, |directory| directory.set_owner(name, uid, gid))
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::SetMode, name, |directory| directory.set_mode(name, mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on_itself(Operation::SetOwner, |directory| directory.set_own_owner(uid, gid))
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on_itself(Operation::SetMode, |directory| directory.set_own_mode(mode))
    }
}
