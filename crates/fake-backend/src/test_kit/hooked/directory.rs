//! Open directories and entries, with something around each call.

use std::ffi::OsStr;
use std::path::PathBuf;

use mountwright_core::file::{FileIdentity, Metadata};
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::ports::DirectoryEntries;
use mountwright_core::{Directory, FileMode, MountKey, OpenEntry, Operation, OsError};

use crate::test_kit::hooked::wrapper::Around;

pub(super) struct HookedDirectory {
    pub(super) directory: Box<dyn Directory>,
    pub(super) around: Around,
}

struct HookedEntry {
    entry: Box<dyn OpenEntry>,
    around: Around,
}

impl Around {
    pub(super) fn directory(&self, directory: Box<dyn Directory>) -> Box<dyn Directory> {
        Box::new(HookedDirectory { directory, around: self.clone() })
    }
}

impl Directory for HookedDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.around.call("Directory::own_metadata", Operation::Metadata, PathBuf::new, || self.directory.own_metadata())
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        let look = || self.directory.parent_metadata();
        self.around.call("Directory::parent_metadata", Operation::Metadata, || "..".into(), look)
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        let open = || self.directory.open_parent();
        let opened = self.around.call("Directory::open_parent", Operation::OpenDir, || "..".into(), open)?;
        Ok(self.around.directory(opened))
    }

    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        let open = || self.directory.open_entry(name);
        let entry = self.around.call("Directory::open_entry", Operation::OpenEntry, || name.into(), open)?;
        Ok(Box::new(HookedEntry { around: self.around.clone(), entry }))
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        self.around.call("Directory::entries", Operation::ReadDir, PathBuf::new, || self.directory.entries())
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.around.call("Directory::metadata", Operation::Metadata, || name.into(), || self.directory.metadata(name))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.around.call(
            "Directory::open_dir",
            Operation::OpenDir,
            || name.into(),
            || self.directory.open_dir(name, crossing),
        )?;
        Ok(self.around.directory(opened))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.around.call("Directory::read_link", Operation::ReadLink, || name.into(), || self.directory.read_link(name))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.around.call(
            "Directory::read_file",
            Operation::ReadFile,
            || name.into(),
            || self.directory.read_file(name, limit),
        )
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.around.call(
            "Directory::create_dir",
            Operation::CreateDir,
            || name.into(),
            || self.directory.create_dir(name, mode),
        )
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.around.call(
            "Directory::create_file",
            Operation::CreateFile,
            || name.into(),
            || self.directory.create_file(name, mode),
        )
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        let make = || self.directory.replace_file(name, contents, mode);
        self.around.call("Directory::replace_file", Operation::ReplaceFile, || name.into(), make)
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.around.call(
            "Directory::remove_dir",
            Operation::RemoveDir,
            || name.into(),
            || self.directory.remove_dir(name),
        )
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.around.call(
            "Directory::remove_file",
            Operation::RemoveFile,
            || name.into(),
            || self.directory.remove_file(name),
        )
    }

    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError> {
        self.around.call(
            "Directory::unmount",
            Operation::Unmount,
            || name.into(),
            || self.directory.unmount(name, mode, only),
        )
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.around.call(
            "Directory::set_owner",
            Operation::SetOwner,
            || name.into(),
            || self.directory.set_owner(name, uid, gid),
        )
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.around.call(
            "Directory::set_mode",
            Operation::SetMode,
            || name.into(),
            || self.directory.set_mode(name, mode),
        )
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.around.call("Directory::set_own_owner", Operation::SetOwner, PathBuf::new, || {
            self.directory.set_own_owner(uid, gid)
        })
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.around
            .call("Directory::set_own_mode", Operation::SetMode, PathBuf::new, || self.directory.set_own_mode(mode))
    }
}

impl OpenEntry for HookedEntry {
    fn metadata(&self) -> Result<Metadata, OsError> {
        self.around.call("OpenEntry::metadata", Operation::Metadata, PathBuf::new, || self.entry.metadata())
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.around.call("OpenEntry::set_owner", Operation::SetOwner, PathBuf::new, || self.entry.set_owner(uid, gid))
    }

    fn set_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.around.call("OpenEntry::set_mode", Operation::SetMode, PathBuf::new, || self.entry.set_mode(mode))
    }

    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError> {
        let read = || self.entry.capabilities();
        self.around.call("OpenEntry::capabilities", Operation::Capabilities, PathBuf::new, read)
    }

    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError> {
        let set = || self.entry.set_capabilities(capabilities);
        self.around.call("OpenEntry::set_capabilities", Operation::SetCapabilities, PathBuf::new, set)
    }
}
