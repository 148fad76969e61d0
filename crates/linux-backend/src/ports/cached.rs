//! The port's queries from the kernel's caches: they never wait for a filesystem's server.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::file::{FinalSymlink, Metadata};
use mountwright_core::mount::{FilesystemOf, PathMount};
use mountwright_core::{Errno, Location, Operation, OsError};

use crate::backend::LinuxBackend;
use crate::files::metadata::metadata;
use crate::syscalls::abi::{
    O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};

/// Queries that do not block where a server may be dead, for paths that lead through its mount.
///
/// The port's queries return at once at the *root* of such a mount. A component below it needs a look-up by the server,
/// which may never return. These methods use the kernel's caches alone.
///
/// # Errors
///
/// The errors of the port's method, and `EAGAIN` (which is `EWOULDBLOCK`): the caches do not hold the name, and a
/// look-up may block. Every name that was not looked up lately is `EAGAIN`, on every filesystem, missing names
/// included.
/// `EOPNOTSUPP`: the kernel cannot look at its caches alone (before Linux 5.12, or openat2 is denied).
impl<K: Kernel> LinuxBackend<K> {
    /// [`mount_of`](mountwright_core::Mounter::mount_of), or `EAGAIN` where that might block.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError> {
        let found = self.pin_cached(at, FinalSymlink::Follow).and_then(|file| self.mount_of_pinned(&file));
        found.map_err(|fault| fault.of(Operation::MountOf, at.for_display()))
    }

    /// [`filesystem_of`](mountwright_core::Mounter::filesystem_of), or `EAGAIN` where that might block.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        let found = self.pin_cached(at, FinalSymlink::Follow).and_then(|file| self.filesystem_of_pinned(&file));
        found.map_err(|fault| fault.of(Operation::FilesystemOf, at.for_display()))
    }

    /// [`metadata`](mountwright_core::Filesystem::metadata) from the caches, or `EAGAIN` if they hold none. Later
    /// changes by the server are not seen, and a file whose server never replied may show as a file of size 0.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        let look = || metadata(&self.stat_fd(&self.pin_cached(at, link)?, self.metadata_mask())?);
        look().map_err(|fault| fault.of(Operation::Metadata, at.for_display()))
    }

    fn pin_cached(&self, at: &Location, link: FinalSymlink) -> Step<K::Fd> {
        let last = O_PATH | if link == FinalSymlink::Itself { O_NOFOLLOW } else { 0 };
        match at {
            Location::Trusted(path) => self.trusted_cached(path, last),
            Location::Beneath { root, path } => {
                let inside = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
                let mut parent = self.trusted_cached(root, O_PATH | O_DIRECTORY)?;
                if let Some(between) = path.parent() {
                    let resolve = inside | RESOLVE_NO_XDEV;
                    parent = self.open_cached(&parent, between, O_PATH | O_DIRECTORY, resolve)?;
                }
                self.open_cached(&parent, path.name().as_ref(), last, inside)
            }
        }
    }

    fn trusted_cached(&self, path: &Path, flags: u32) -> Step<K::Fd> {
        let start = self.open_root(Path::new(if path.is_absolute() { "/" } else { "." }))?;
        self.open_cached(&start, path, flags, 0)
    }

    fn open_cached(&self, dir: &K::Fd, path: &Path, flags: u32, resolve: u32) -> Step<K::Fd> {
        if !self.uses(Call::Openat2) {
            return Err(Fault::new(Call::Openat2, Errno::EOPNOTSUPP));
        }
        let opened = self.calls.openat2(dir, path, flags | O_CLOEXEC, resolve | RESOLVE_CACHED);
        opened.map_err(|fault| match fault.errno() {
            // From a kernel that does not know the flag; a path with a NUL never reaches the kernel.
            Errno::EINVAL if !path.as_os_str().as_bytes().contains(&0) => fault.saying(Errno::EOPNOTSUPP),
            _ => fault,
        })
    }
}
