//! One open directory whose calls are under control.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::error::Subject;
use mountwright_core::file::{FileIdentity, FileKind, Metadata};
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::ports::DirectoryEntries;
use mountwright_core::{DeviceNumber, Directory, FileMode, MountKey, OpenEntry, Operation, OsError};

use crate::fault_injection::control::Control;
use crate::fault_injection::entries::ControlledEntries;
use crate::fault_injection::open_entry::ControlledEntry;

/// An open directory, and the control that its calls are under.
pub(crate) struct ControlledDirectory<C> {
    control: C,
    directory: Box<dyn Directory>,
    shown: PathBuf,
}

impl<C: Control> ControlledDirectory<C> {
    /// Returns the directory unchanged if the control is not active.
    pub(crate) fn around(
        control: &C,
        directory: Box<dyn Directory>,
        shown: impl FnOnce() -> PathBuf,
    ) -> Box<dyn Directory> {
        if !control.is_active() {
            return directory;
        }
        Box::new(Self { control: control.clone(), directory, shown: shown() })
    }

    /// A call about the directory itself.
    fn on_itself<T>(
        &self,
        method: &'static str,
        operation: Operation,
        act: impl FnOnce(&(dyn Directory + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let subject = || Subject::Path(self.shown.clone());
        self.control.call((method, operation), subject, || act(&*self.directory))
    }

    /// A call about a name in it.
    fn on<T>(
        &self,
        (method, operation): (&'static str, Operation),
        name: &OsStr,
        act: impl FnOnce(&(dyn Directory + 'static)) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let subject = || Subject::Path(self.shown.join(name));
        self.control.call((method, operation), subject, || act(&*self.directory))
    }
}

impl<C: Control> Directory for ControlledDirectory<C> {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.on_itself("Directory::own_metadata", Operation::Metadata, Directory::own_metadata)
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        self.on(("Directory::parent_metadata", Operation::Metadata), "..".as_ref(), Directory::parent_metadata)
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.on(("Directory::open_parent", Operation::OpenDir), "..".as_ref(), Directory::open_parent)?;
        Ok(Self::around(&self.control, opened, || self.shown.join("..")))
    }

    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        let entry =
            self.on(("Directory::open_entry", Operation::OpenEntry), name, |directory| directory.open_entry(name))?;
        Ok(Box::new(ControlledEntry::new(self.control.clone(), entry, self.shown.join(name))))
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        let entries = self.on_itself("Directory::entries", Operation::ReadDir, Directory::entries)?;
        Ok(DirectoryEntries::lending(ControlledEntries::new(self.control.clone(), entries, self.shown.clone())))
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.on(("Directory::metadata", Operation::Metadata), name, |directory| directory.metadata(name))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let opened =
            self.on(("Directory::open_dir", Operation::OpenDir), name, |directory| directory.open_dir(name, crossing))?;
        Ok(Self::around(&self.control, opened, || self.shown.join(name)))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.on(("Directory::read_link", Operation::ReadLink), name, |directory| directory.read_link(name))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.on(("Directory::read_file", Operation::ReadFile), name, |directory| directory.read_file(name, limit))
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(("Directory::create_dir", Operation::CreateDir), name, |directory| directory.create_dir(name, mode))
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(("Directory::create_file", Operation::CreateFile), name, |directory| directory.create_file(name, mode))
    }

    fn create_symlink(&self, name: &OsStr, target: &Path) -> Result<FileIdentity, OsError> {
        self.on(("Directory::create_symlink", Operation::CreateSymlink), name, |directory| {
            directory.create_symlink(name, target)
        })
    }

    fn create_node(
        &self,
        name: &OsStr,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        self.on(("Directory::create_node", Operation::CreateNode), name, |directory| {
            directory.create_node(name, kind, device, mode)
        })
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        self.on(("Directory::replace_file", Operation::ReplaceFile), name, |directory| {
            directory.replace_file(name, contents, mode)
        })
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(("Directory::remove_dir", Operation::RemoveDir), name, |directory| directory.remove_dir(name))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(("Directory::remove_file", Operation::RemoveFile), name, |directory| directory.remove_file(name))
    }

    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError> {
        self.on(("Directory::unmount", Operation::Unmount), name, |directory| directory.unmount(name, mode, only))
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on(("Directory::set_owner", Operation::SetOwner), name, |directory| directory.set_owner(name, uid, gid))
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(("Directory::set_mode", Operation::SetMode), name, |directory| directory.set_mode(name, mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on_itself("Directory::set_own_owner", Operation::SetOwner, |directory| directory.set_own_owner(uid, gid))
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on_itself("Directory::set_own_mode", Operation::SetMode, |directory| directory.set_own_mode(mode))
    }
}
