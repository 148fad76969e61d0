//! One open directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::file::{FileIdentity, FileKind, Metadata};
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::ports::DirectoryEntries;
use mountwright_core::{
    AttributeChange, DeviceNumber, Directory, Errno, FileMode, MountKey, OpenEntry, Operation, OsError,
};

use crate::backend::LinuxBackend;
use crate::files::entries::Entries;
use crate::files::nodes::NewNode;
use crate::ports::open_entry::LinuxEntry;
use crate::resolve::identity::kind;
use crate::resolve::location::Place;
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH,
    O_RDONLY, S_IFDIR, S_IFLNK, S_IFREG, STATX_SIZE, STATX_TYPE,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};

/// The directory that holds this one.
const PARENT: &str = "..";
/// The number of bytes of one read.
const CHUNK: u64 = 64 << 10;

/// Refuses a name that is not one plain component.
fn plain(name: &OsStr) -> Step<&Path> {
    let bytes = name.as_encoded_bytes();
    let plain = !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/') && !bytes.contains(&0);
    if plain { Ok(Path::new(name)) } else { Err(Fault::new(Call::Openat, Errno::EINVAL)) }
}

/// One open directory on Linux.
pub(crate) struct LinuxDirectory<K: Kernel> {
    backend: LinuxBackend<K>,
    /// Open for reading; only for searching (`O_PATH`) where reading is not allowed.
    file: Arc<K::Fd>,
    /// Set once a listing has used the descriptor's own position; a later one opens the directory again.
    listed: AtomicBool,
    searchable_only: bool,
    /// Its path, for messages.
    shown: Arc<PathBuf>,
}

impl<K: Kernel> LinuxDirectory<K> {
    /// Opens a directory by `open`, which is given the flags of the access.
    pub(crate) fn open(backend: &LinuxBackend<K>, shown: &Path, open: impl Fn(u32) -> Step<K::Fd>) -> Step<Self> {
        let opened = |flags| open(flags | O_DIRECTORY | O_CLOEXEC);
        Self::readable_or_not(backend, || shown.to_path_buf(), opened)
    }

    fn readable_or_not(
        backend: &LinuxBackend<K>,
        shown: impl FnOnce() -> PathBuf,
        open: impl Fn(u32) -> Step<K::Fd>,
    ) -> Step<Self> {
        let (file, searchable_only) = match open(O_RDONLY) {
            Ok(file) => (file, false),
            // The directory may be searchable but not readable.
            Err(fault) if fault.errno() == Errno::EACCES => (open(O_PATH)?, true),
            Err(fault) => return Err(fault),
        };
        Ok(Self {
            backend: backend.clone(),
            file: Arc::new(file),
            listed: AtomicBool::new(false),
            searchable_only,
            shown: Arc::new(shown()),
        })
    }

    fn dir(&self) -> At<'_, K::Fd> {
        At::Fd(&self.file)
    }

    /// Runs `act` on a name. An error has the path of the name as its subject.
    fn on<T>(&self, operation: Operation, name: &OsStr, act: impl FnOnce(&Path) -> Step<T>) -> Result<T, OsError> {
        plain(name).and_then(act).map_err(|fault| fault.of(operation, self.shown.join(name)))
    }

    fn pin(&self, name: &Path) -> Step<LinuxEntry<K>> {
        LinuxEntry::open(&self.backend, &self.file, name, &self.shown)
    }

    /// Returns a descriptor for a listing from the beginning.
    fn to_list(&self) -> Step<Arc<K::Fd>> {
        if !self.searchable_only && !self.listed.swap(true, Ordering::Relaxed) {
            return Ok(Arc::clone(&self.file));
        }
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
        self.backend.calls.openat(self.dir(), ".".as_ref(), flags, 0).map(Arc::new)
    }

    /// Pins the name before its kind is known, so that no device is opened by mistake, and reads it if it is a regular
    /// file.
    fn read(&self, name: &Path, limit: u64) -> Step<Vec<u8>> {
        let calls = &self.backend.calls;
        let pinned = calls.openat(self.dir(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?;
        let stat = self.backend.stat_fd(&pinned, STATX_TYPE | STATX_SIZE)?;
        let refused = match kind(&stat) {
            S_IFREG if stat.size > limit => Some(Errno::EFBIG),
            S_IFREG => None,
            S_IFLNK => Some(Errno::ELOOP),
            S_IFDIR => Some(Errno::EISDIR),
            _ => Some(Errno::EINVAL),
        };
        if let Some(errno) = refused {
            return Err(Fault::new(Call::Openat, errno));
        }
        let file = calls.reopen(&pinned, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)?;
        let mut contents = Vec::new();
        loop {
            // One byte more than allowed, to detect a longer file.
            let room = (limit - contents.len() as u64).saturating_add(1).min(CHUNK);
            let more = calls.read(&file, usize::try_from(room).unwrap_or(usize::MAX))?;
            if more.is_empty() {
                return Ok(contents);
            }
            contents.extend(more);
            if contents.len() as u64 > limit {
                return Err(Fault::new(Call::Read, Errno::EFBIG));
            }
        }
    }
}

impl<K: Kernel> Directory for LinuxDirectory<K> {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        let found = self.backend.metadata_of(&self.file);
        found.map_err(|fault| fault.of(Operation::Metadata, self.shown.to_path_buf()))
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        let look = || {
            let found = self.backend.metadata_at(self.dir(), PARENT.as_ref(), 0)?;
            if found.mount.is_some() {
                return Ok(found);
            }
            let flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
            self.backend.metadata_of(&self.backend.calls.openat(self.dir(), PARENT.as_ref(), flags, 0)?)
        };
        look().map_err(|fault: Fault| fault.of(Operation::Metadata, self.shown.join(PARENT)))
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        let open = |flags| self.backend.calls.openat(self.dir(), PARENT.as_ref(), flags | O_DIRECTORY | O_CLOEXEC, 0);
        let shown = || self.shown.parent().map_or_else(|| self.shown.join(PARENT), Path::to_path_buf);
        match Self::readable_or_not(&self.backend, shown, open) {
            Ok(directory) => Ok(Box::new(directory)),
            Err(fault) => Err(fault.of(Operation::OpenDir, self.shown.join(PARENT))),
        }
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        let file = self.to_list().map_err(|fault| fault.of(Operation::ReadDir, self.shown.to_path_buf()))?;
        Entries::start(self.backend.clone(), file, Arc::clone(&self.shown)).map(DirectoryEntries::lending)
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, name, |name| self.backend.metadata_at(self.dir(), name, AT_SYMLINK_NOFOLLOW))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        self.on(Operation::OpenDir, name, |name| {
            let open = |flags| self.backend.beneath(&self.file, name, flags | O_DIRECTORY, crossing);
            let shown = || self.shown.join(name);
            Ok(Box::new(Self::readable_or_not(&self.backend, shown, open)?) as Box<dyn Directory>)
        })
    }

    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        self.on(Operation::OpenEntry, name, |path| Ok(Box::new(self.pin(path)?) as Box<dyn OpenEntry>))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.on(Operation::ReadLink, name, |name| self.backend.calls.readlinkat(self.dir(), name))
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.on(Operation::ReadFile, name, |name| self.read(name, limit))
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(Operation::CreateDir, name, |name| {
            self.backend.new_directory(self.dir(), name, mode, &self.shown.join(name))
        })
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.on(Operation::CreateFile, name, |name| {
            self.backend.new_file(self.dir(), name, mode, &self.shown.join(name))
        })
    }

    fn create_symlink(&self, name: &OsStr, target: &Path) -> Result<FileIdentity, OsError> {
        self.on(Operation::CreateSymlink, name, |name| {
            self.backend.new_symlink(self.dir(), name, target, &self.shown.join(name))
        })
    }

    fn create_node(
        &self,
        name: &OsStr,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        self.on(Operation::CreateNode, name, |name| {
            self.backend.new_node(self.dir(), name, NewNode::of(kind, device, mode)?, &self.shown.join(name))
        })
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::ReplaceFile, name, |name| {
            self.backend.replace(&self.file, name, contents, mode, &self.shown)
        })
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveDir, name, |name| self.backend.calls.unlinkat(self.dir(), name, AT_REMOVEDIR))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.on(Operation::RemoveFile, name, |name| self.backend.calls.unlinkat(self.dir(), name, 0))
    }

    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError> {
        self.on(Operation::Unmount, name, |name| {
            let unmounted = self.backend.unmount_place(&Place::within(&self.file, name), mode, only);
            unmounted.map_err(|fault| self.backend.explained_change(fault, AttributeChange::NOTHING))
        })
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.on(Operation::SetOwner, name, |name| {
            self.backend.calls.fchownat(self.dir(), name, (uid, gid), AT_SYMLINK_NOFOLLOW)
        })
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::SetMode, name, |name| self.pin(name)?.change_mode(mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        let changed = self.backend.calls.fchownat(self.dir(), "".as_ref(), (uid, gid), AT_EMPTY_PATH);
        changed.map_err(|fault| fault.of(Operation::SetOwner, self.shown.to_path_buf()))
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        let bits = mode.bits().into();
        let changed = if self.searchable_only {
            self.backend.chmod_pinned(&self.file, bits)
        } else {
            self.backend.calls.fchmod(&self.file, bits)
        };
        changed.map_err(|fault| fault.of(Operation::SetMode, self.shown.to_path_buf()))
    }
}
