//! The ports with something between any two of their calls.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::{
    AttributesReport, AttributesRequest, BindReport, BindRequest, Directory, DirectoryEntries, Errno, FileMode,
    Filesystem, FilesystemOf, FinalLink, Guarantee, Location, Metadata, MountInfo, MountKey, MountReport, MountRequest,
    MountTable, Mounter, Operation, OsError, PathMount, Propagation, Recursion, UnmountRequest,
};

/// What acts before and after every call of the ports.
pub(crate) trait Hook: Send + Sync {
    /// Before a call. An error is the call's answer; it is not made then.
    fn before(&self, number: usize, operation: Operation) -> Result<(), Errno>;
    /// After a call that was made.
    fn after(&self, _number: usize, _operation: Operation) {}
}

/// The calls that were made, in order.
pub(crate) type Calls = Arc<Mutex<Vec<Operation>>>;

/// A backend with a hook around each call.
#[derive(Clone)]
pub(crate) struct Hooked<B> {
    backend: B,
    around: Around,
    /// It cannot bind read-only in one step.
    clumsy: bool,
}

#[derive(Clone)]
struct Around {
    hook: Arc<dyn Hook>,
    calls: Calls,
}

impl<B> Hooked<B> {
    pub(crate) fn new(backend: B, hook: Arc<dyn Hook>, clumsy: bool) -> Self {
        Self { backend, around: Around { hook, calls: Calls::default() }, clumsy }
    }

    pub(crate) fn calls(&self) -> Vec<Operation> {
        self.around.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Around {
    fn call<T>(
        &self,
        operation: Operation,
        subject: impl FnOnce() -> PathBuf,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let number = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(operation);
            calls.len() - 1
        };
        self.hook.before(number, operation).map_err(|errno| OsError::new(operation, subject(), errno))?;
        let answer = make();
        self.hook.after(number, operation);
        answer
    }
}

struct HookedDirectory {
    directory: Box<dyn Directory>,
    around: Around,
}

impl Around {
    fn directory(&self, directory: Box<dyn Directory>) -> Box<dyn Directory> {
        Box::new(HookedDirectory { directory, around: self.clone() })
    }
}

impl<B: Filesystem> Filesystem for Hooked<B> {
    fn metadata(&self, at: &Location, link: FinalLink) -> Result<Metadata, OsError> {
        self.around.call(Operation::Metadata, || at.for_display(), || self.backend.metadata(at, link))
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.around.call(Operation::Canonicalize, || path.into(), || self.backend.canonicalize(path))
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.around.call(Operation::CurrentDir, PathBuf::new, || self.backend.current_dir())
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.around.call(Operation::OpenDir, || at.for_display(), || self.backend.open_dir(at))?;
        Ok(self.around.directory(opened))
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.around.call(Operation::ReadLink, || at.for_display(), || self.backend.read_link(at))
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::CreateDir, || at.for_display(), || self.backend.create_dir(at, mode))
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::CreateFile, || at.for_display(), || self.backend.create_file(at, mode))
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.around.call(Operation::RemoveDir, || at.for_display(), || self.backend.remove_dir(at))
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.around.call(Operation::RemoveFile, || at.for_display(), || self.backend.remove_file(at))
    }
}

impl<B: Mounter> Mounter for Hooked<B> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let target = || request.target().for_display();
        let impossible = self.clumsy && request.required() == Guarantee::Atomic;
        let refusal = || OsError::new(Operation::Bind, target(), Errno::EOPNOTSUPP);
        let make = || if impossible { Err(refusal()) } else { self.backend.bind(request) };
        self.around.call(Operation::Bind, target, make)
    }

    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError> {
        self.around.call(Operation::Mount, || request.target.for_display(), || self.backend.mount(request))
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        self.around.call(Operation::MoveMount, || from.for_display(), || self.backend.move_mount(from, to))
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError> {
        let subject = || request.at().for_display();
        self.around.call(Operation::ChangeAttributes, subject, || self.backend.change_attributes(request))
    }

    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError> {
        let make = || self.backend.set_superblock_read_only(at, read_only);
        self.around.call(Operation::SetSuperblock, || at.for_display(), make)
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let make = || self.backend.set_propagation(at, propagation, recursion);
        self.around.call(Operation::SetPropagation, || at.for_display(), make)
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        self.around.call(Operation::Unmount, || request.at().for_display(), || self.backend.unmount(request))
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.around.call(Operation::MountOf, || at.for_display(), || self.backend.mount_of(at))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.around.call(Operation::FilesystemOf, || at.for_display(), || self.backend.filesystem_of(at))
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.around.call(Operation::FindMount, PathBuf::new, || self.backend.find_mount(mount))
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.around.call(Operation::Mounts, PathBuf::new, || self.backend.mounts())
    }
}

impl Directory for HookedDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.around.call(Operation::Metadata, PathBuf::new, || self.directory.own_metadata())
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        self.around.call(Operation::ReadDir, PathBuf::new, || self.directory.entries())
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.around.call(Operation::Metadata, || name.into(), || self.directory.metadata(name))
    }

    fn open_dir(&self, name: &OsStr) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.around.call(Operation::OpenDir, || name.into(), || self.directory.open_dir(name))?;
        Ok(self.around.directory(opened))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.around.call(Operation::ReadLink, || name.into(), || self.directory.read_link(name))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.around.call(Operation::ReadFile, || name.into(), || self.directory.read_file(name, limit))
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::CreateDir, || name.into(), || self.directory.create_dir(name, mode))
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::CreateFile, || name.into(), || self.directory.create_file(name, mode))
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        let make = || self.directory.replace_file(name, contents, mode);
        self.around.call(Operation::ReplaceFile, || name.into(), make)
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.around.call(Operation::RemoveDir, || name.into(), || self.directory.remove_dir(name))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.around.call(Operation::RemoveFile, || name.into(), || self.directory.remove_file(name))
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.around.call(Operation::SetOwner, || name.into(), || self.directory.set_owner(name, uid, gid))
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::SetMode, || name.into(), || self.directory.set_mode(name, mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.around.call(Operation::SetOwner, PathBuf::new, || self.directory.set_own_owner(uid, gid))
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.around.call(Operation::SetMode, PathBuf::new, || self.directory.set_own_mode(mode))
    }
}
