//! The ports with a hook between any two of their calls.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::file::{FileIdentity, FinalLink, Metadata};
use mountwright_core::mount::{
    AttributesReport, BindReport, FilesystemOf, Guarantee, MountReport, Origin, PathMount, UnmountMode,
};
use mountwright_core::path::Crossing;
use mountwright_core::ports::DirectoryEntries;
use mountwright_core::{
    AttributesRequest, BindRequest, Directory, Errno, FileMode, Filesystem, Location, MountInfo, MountKey,
    MountRequest, MountTable, Mounter, OpenEntry, Operation, OsError, Propagation, Recursion, UnmountRequest,
};

/// One call of the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number in the run: 0 is the first.
    pub number: usize,
    /// The port and its method.
    pub method: &'static str,
    /// Its name in errors.
    pub operation: Operation,
}

/// Code that runs before and after every call of the ports.
pub trait Hook: Send + Sync {
    /// Before a call. On an error the call is not made and fails with this errno.
    ///
    /// # Errors
    ///
    /// The errno of the call.
    fn before(&self, _call: Call) -> Result<(), Errno> {
        Ok(())
    }
    /// After a call that was made.
    fn after(&self, _call: Call) {}
}

/// Nothing.
impl Hook for () {}

/// The calls that were made, in order.
type Calls = Arc<Mutex<Vec<Call>>>;

/// A backend with a hook around each call, those of the directories that it opens included.
#[derive(Clone)]
pub struct Hooked<B> {
    backend: B,
    around: Around,
    /// It cannot bind read-only in one step.
    clumsy: bool,
}

impl<B> fmt::Debug for Hooked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked")
            .field("calls", &self.around.calls)
            .field("clumsy", &self.clumsy)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Around {
    hook: Arc<dyn Hook>,
    calls: Calls,
}

impl<B> Hooked<B> {
    /// Wraps the calls of this backend in the hook; `clumsy` makes it one that cannot bind read-only in one step.
    pub fn new(backend: B, hook: Arc<dyn Hook>, clumsy: bool) -> Self {
        Self { backend, around: Around { hook, calls: Calls::default() }, clumsy }
    }

    /// The calls so far, refused ones included.
    pub fn calls(&self) -> Vec<Call> {
        self.around.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Around {
    fn call<T>(
        &self,
        method: &'static str,
        operation: Operation,
        subject: impl FnOnce() -> PathBuf,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let call = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let call = Call { number: calls.len(), method, operation };
            calls.push(call);
            call
        };
        self.hook.before(call).map_err(|errno| OsError::new(operation, subject(), errno))?;
        let answer = make();
        self.hook.after(call);
        answer
    }
}

struct HookedDirectory {
    directory: Box<dyn Directory>,
    around: Around,
}

struct HookedEntry {
    entry: Box<dyn OpenEntry>,
    around: Around,
}

impl Around {
    fn directory(&self, directory: Box<dyn Directory>) -> Box<dyn Directory> {
        Box::new(HookedDirectory { directory, around: self.clone() })
    }
}

impl<B: Filesystem> Filesystem for Hooked<B> {
    fn metadata(&self, at: &Location, link: FinalLink) -> Result<Metadata, OsError> {
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

impl<B: Mounter> Mounter for Hooked<B> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let target = || request.target().for_display();
        let impossible = self.clumsy && request.required() == Guarantee::Atomic;
        let refusal = || OsError::new(Operation::Bind, target(), Errno::EOPNOTSUPP);
        let make = || if impossible { Err(refusal()) } else { self.backend.bind(request) };
        self.around.call("Mounter::bind", Operation::Bind, target, make)
    }

    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError> {
        self.around.call(
            "Mounter::mount",
            Operation::Mount,
            || request.target.for_display(),
            || self.backend.mount(request),
        )
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        self.around.call(
            "Mounter::move_mount",
            Operation::MoveMount,
            || from.for_display(),
            || self.backend.move_mount(from, to),
        )
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError> {
        let subject = || request.at().for_display();
        self.around.call("Mounter::change_attributes", Operation::ChangeAttributes, subject, || {
            self.backend.change_attributes(request)
        })
    }

    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError> {
        let make = || self.backend.set_superblock_read_only(at, read_only);
        self.around.call("Mounter::set_superblock_read_only", Operation::SetSuperblock, || at.for_display(), make)
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let make = || self.backend.set_propagation(at, propagation, recursion);
        self.around.call("Mounter::set_propagation", Operation::SetPropagation, || at.for_display(), make)
    }

    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError> {
        let make = || self.backend.set_propagation_of(at, mount, propagation);
        self.around.call("Mounter::set_propagation_of", Operation::SetPropagation, || at.for_display(), make)
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        self.around.call(
            "Mounter::unmount",
            Operation::Unmount,
            || request.at().for_display(),
            || self.backend.unmount(request),
        )
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.around.call("Mounter::mount_of", Operation::MountOf, || at.for_display(), || self.backend.mount_of(at))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.around.call(
            "Mounter::filesystem_of",
            Operation::FilesystemOf,
            || at.for_display(),
            || self.backend.filesystem_of(at),
        )
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.around.call("Mounter::find_mount", Operation::FindMount, PathBuf::new, || self.backend.find_mount(mount))
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.around.call("Mounter::mounts", Operation::Mounts, PathBuf::new, || self.backend.mounts())
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.around.call("Mounter::origin", Operation::Origin, PathBuf::new, || self.backend.origin())
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
