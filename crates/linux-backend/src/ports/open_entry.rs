//! One pinned file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mountwright_core::file::Metadata;
use mountwright_core::{Errno, FileMode, OpenEntry, Operation, OsError};

use crate::backend::LinuxBackend;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{AT_EMPTY_PATH, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach};

/// The extended attribute that holds a program's capabilities.
const CAPABILITIES: &str = "security.capability";
/// The size of a buffer for any version of it.
const CAPABILITIES_MAX: usize = 64;

/// A file on Linux, open with `O_PATH` only.
pub(crate) struct LinuxEntry<K: Kernel> {
    backend: LinuxBackend<K>,
    file: K::Fd,
    /// The directory that it was opened in, and its name there.
    dir: Arc<K::Fd>,
    name: PathBuf,
    /// The path of that directory, for messages.
    above: Arc<PathBuf>,
}

impl<K: Kernel> LinuxEntry<K> {
    /// Pins `name` in `dir`; `above` is the path of `dir`, for messages.
    pub(crate) fn open(backend: &LinuxBackend<K>, dir: &Arc<K::Fd>, name: &Path, above: &Arc<PathBuf>) -> Step<Self> {
        let file = backend.calls.openat(At::Fd(dir), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?;
        Ok(Self { backend: backend.clone(), file, dir: Arc::clone(dir), name: name.into(), above: Arc::clone(above) })
    }

    pub(crate) fn change_mode(&self, mode: FileMode) -> Step<()> {
        let refused = || Fault::new(Call::Chmod, Errno::ELOOP);
        // Before 6.6, the first kernel with fchmodat2, some filesystems change the mode of a symlink.
        if !self.backend.uses(Call::Fchmodat2) && self.is_symlink()? {
            return Err(refused());
        }
        match self.backend.chmod_pinned(&self.file, mode.bits().into()) {
            Err(fault) if fault.errno() == Errno::EOPNOTSUPP && self.is_symlink()? => Err(refused()),
            other => other,
        }
    }

    fn is_symlink(&self) -> Step<bool> {
        Ok(kind(&self.backend.stat_fd(&self.file, STATX_TYPE)?) == S_IFLNK)
    }

    /// Looks for capabilities by name, with one call where the pinned file takes two: getxattrat(2) refuses a
    /// descriptor with `O_PATH` (`EBADF`, Linux 6.18). Decides only that there are none to keep.
    fn name_has_none(&self) -> bool {
        let calls = &self.backend.calls;
        let ask = || calls.getxattrat(&self.dir, &self.name, CAPABILITIES.as_ref(), CAPABILITIES_MAX);
        self.backend.uses(Call::Getxattrat) && ask().is_err_and(|fault| fault.errno() == Errno::ENODATA)
    }

    fn on<T>(&self, operation: Operation, done: Step<T>) -> Result<T, OsError> {
        done.map_err(|fault| fault.of(operation, self.above.join(&self.name)))
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Changes the mode of a descriptor that may be open with `O_PATH` only.
    pub(crate) fn chmod_pinned(&self, file: &K::Fd, mode: u32) -> Step<()> {
        if self.uses(Call::Fchmodat2) {
            self.calls.fchmodat2(At::Fd(file), "".as_ref(), mode, AT_EMPTY_PATH)
        } else {
            self.calls.chmod(Reach::Descriptor(file), mode)
        }
    }
}

impl<K: Kernel> OpenEntry for LinuxEntry<K> {
    fn metadata(&self) -> Result<Metadata, OsError> {
        self.on(Operation::Metadata, self.backend.metadata_of(&self.file))
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        let changed = self.backend.calls.fchownat(At::Fd(&self.file), "".as_ref(), (uid, gid), AT_EMPTY_PATH);
        self.on(Operation::SetOwner, changed)
    }

    fn set_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.on(Operation::SetMode, self.change_mode(mode))
    }

    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError> {
        if self.name_has_none() {
            return Ok(None);
        }
        let place = Reach::Descriptor(&self.file);
        let found = match self.backend.calls.getxattr(place, CAPABILITIES.as_ref(), CAPABILITIES_MAX) {
            Ok(capabilities) => Ok(Some(capabilities)),
            Err(fault) if fault.errno() == Errno::ENODATA => Ok(None),
            Err(fault) => Err(fault),
        };
        self.on(Operation::Capabilities, found)
    }

    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError> {
        let set = self.backend.calls.setxattr(Reach::Descriptor(&self.file), CAPABILITIES.as_ref(), capabilities);
        self.on(Operation::SetCapabilities, set)
    }
}
