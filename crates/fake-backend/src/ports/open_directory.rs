//! One open directory of the fake.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::{
    Crossing, Directory, DirectoryEntries, Errno, FileMode, Location, Metadata, MountKey, Operation, OsError, Subject,
    UnmountMode,
};

use super::calls::{Calls, Fd, path_buf};
use super::entries::Entries;
use super::fault::{Fault, Step};
use super::metadata::metadata;
use super::place::Place;
use crate::FakeBackend;
use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_PATH, O_RDONLY, STATX_BASIC_STATS,
};

/// A descriptor of a process of the fake, which closes when it is dropped.
pub(crate) struct OpenFd {
    pub(crate) backend: FakeBackend,
    pub(crate) fd: Fd,
}

impl Drop for OpenFd {
    fn drop(&mut self) {
        self.backend.close(self.fd);
    }
}

/// An open directory.
pub(crate) struct OpenDirectory {
    /// Open for reading; only for searching (`O_PATH`) where reading is not allowed.
    file: Arc<OpenFd>,
    /// Set once a listing has taken the descriptor's own position; a later one opens the directory again.
    listed: AtomicBool,
    searchable_only: bool,
    shown: PathBuf,
}

/// Refuses what is not one plain component.
fn plain(name: &OsStr) -> Step<&Path> {
    let bytes = name.as_encoded_bytes();
    let plain = !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/') && !bytes.contains(&0);
    if plain { Ok(Path::new(name)) } else { Err(Fault::new("openat", Errno::EINVAL)) }
}

/// Opens a directory to read it, or where that is not allowed to search it; true: only that.
fn readable_or_not(calls: &mut Calls<'_>, open: impl Fn(&mut Calls<'_>, u32) -> Step<Fd>) -> Step<(Fd, bool)> {
    let (fd, searchable_only) = match open(calls, O_RDONLY | O_DIRECTORY) {
        Ok(fd) => (fd, false),
        Err(fault) if fault.errno() == Errno::EACCES => (open(calls, O_PATH | O_DIRECTORY)?, true),
        Err(fault) => return Err(fault),
    };
    Ok((calls.keep(fd), searchable_only))
}

impl OpenDirectory {
    pub(crate) fn open(backend: &FakeBackend, at: &Location) -> Result<Self, OsError> {
        let opened = backend.call(
            Operation::OpenDir,
            || at.for_display().into(),
            |calls| readable_or_not(calls, |calls, flags| calls.open_at(at, flags)),
        );
        opened.map(|opened| Self::new(backend, opened, at.for_display()))
    }

    fn new(backend: &FakeBackend, (fd, searchable_only): (Fd, bool), shown: PathBuf) -> Self {
        Self {
            file: Arc::new(OpenFd { backend: backend.clone(), fd }),
            listed: AtomicBool::new(false),
            searchable_only,
            shown,
        }
    }

    /// Does something with the directory itself.
    fn on_itself<T>(
        &self,
        operation: Operation,
        act: impl FnOnce(&mut Calls<'_>, Fd) -> Step<T>,
    ) -> Result<T, OsError> {
        let OpenFd { backend, fd } = &*self.file;
        backend.call(operation, || Subject::Path(self.shown.clone()), |calls| act(calls, *fd))
    }

    /// Does something with a name, and names both in the error.
    fn on<T>(
        &self,
        operation: Operation,
        name: &OsStr,
        act: impl FnOnce(&mut Calls<'_>, Fd, &Path) -> Step<T>,
    ) -> Result<T, OsError> {
        let OpenFd { backend, fd } = &*self.file;
        let subject = || Subject::Path(self.shown.join(name));
        backend.call(operation, subject, |calls| act(calls, *fd, plain(name)?))
    }
}

fn stat(calls: &mut Calls<'_>, dir: Fd, name: &Path, flags: u32) -> Step<Metadata> {
    calls.statx(dir, name, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS).map(|stat| metadata(&stat))
}

/// Owners as chown(2) takes them; all ones means "leave it" there, so nobody can be given that id.
fn owners(uid: Option<u32>, gid: Option<u32>) -> Step<(u32, u32)> {
    const LEAVE: u32 = u32::MAX;
    if uid == Some(LEAVE) || gid == Some(LEAVE) {
        return Err(Fault::new("fchownat", Errno::EINVAL));
    }
    Ok((uid.unwrap_or(LEAVE), gid.unwrap_or(LEAVE)))
}

impl Directory for OpenDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.on_itself(Operation::Metadata, |calls, dir| stat(calls, dir, "".as_ref(), AT_EMPTY_PATH))
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        let backend = &self.file.backend;
        let again = self.searchable_only || self.listed.swap(true, Ordering::Relaxed);
        let (reopened, first) = self.on_itself(Operation::ReadDir, |calls, dir| {
            let reopened = if again { Some(calls.openat(dir, ".".as_ref(), O_RDONLY | O_DIRECTORY, 0)?) } else { None };
            let first = Entries::first_buffer(calls, reopened.unwrap_or(dir))?;
            Ok((reopened.map(|fd| calls.keep(fd)), first))
        })?;
        let file = match reopened {
            Some(fd) => Arc::new(OpenFd { backend: backend.clone(), fd }),
            None => Arc::clone(&self.file),
        };
        Ok(DirectoryEntries::new(Entries::new(file, first, self.shown.clone())))
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, name, |calls, dir, name| stat(calls, dir, name, AT_SYMLINK_NOFOLLOW))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let opened = self.on(Operation::OpenDir, name, |calls, dir, name| {
            readable_or_not(calls, |calls, flags| calls.beneath(dir, name, flags, crossing))
        })?;
        Ok(Box::new(Self::new(&self.file.backend, opened, self.shown.join(name))))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.on(Operation::ReadLink, name, |calls, dir, name| calls.readlinkat(dir, name).map(path_buf))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.on(Operation::ReadFile, name, |calls, dir, name| calls.read_whole(dir, name, limit))
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::CreateDir, name, |calls, dir, name| calls.new_directory(dir, name, mode))
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::CreateFile, name, |calls, dir, name| calls.new_file(dir, name, mode))
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::ReplaceFile, name, |calls, dir, name| calls.replace(dir, name, contents, mode))
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveDir, name, |calls, dir, name| calls.unlinkat(dir, name, AT_REMOVEDIR))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveFile, name, |calls, dir, name| calls.unlinkat(dir, name, 0))
    }

    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError> {
        self.on(Operation::Unmount, name, |calls, dir, name| {
            calls.unmount_place(&Place { at: dir.into(), name: name.into() }, mode, only)
        })
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on(Operation::SetOwner, name, |calls, dir, name| {
            let (uid, gid) = owners(uid, gid)?;
            calls.fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW)
        })
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::SetMode, name, |calls, dir, name| calls.change_mode(dir, name, mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on_itself(Operation::SetOwner, |calls, dir| {
            let (uid, gid) = owners(uid, gid)?;
            calls.fchownat(dir, "".as_ref(), uid, gid, AT_EMPTY_PATH)
        })
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on_itself(Operation::SetMode, |calls, dir| calls.fchmod(dir, mode.bits().into()))
    }
}
