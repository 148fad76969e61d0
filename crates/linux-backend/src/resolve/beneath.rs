//! Opening of paths below a directory, without following symlinks.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::Errno;
pub(crate) use mountwright_core::path::Crossing;

use crate::backend::LinuxBackend;
use crate::resolve::in_root::undisturbed;
use crate::syscalls::abi::{
    O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV, S_IFDIR, S_IFLNK,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};

impl<K: Kernel> LinuxBackend<K> {
    /// Opens `path`, of plain components only, below `dir`. A symlink is `ELOOP`, unless it is the last component and
    /// `flags` have `O_PATH` and `O_NOFOLLOW`.
    ///
    /// `flags` have `O_PATH` or `O_DIRECTORY`: opening anything else could have side effects.
    pub(crate) fn beneath(&self, dir: &K::Fd, path: &Path, flags: u32, crossing: Crossing) -> Step<K::Fd> {
        let flags = flags | O_CLOEXEC;
        if !self.uses(Call::Openat2) {
            return self.walk(dir, path, flags, crossing);
        }
        let mut resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        if crossing == Crossing::Refuse {
            resolve |= RESOLVE_NO_XDEV;
        }
        // `EAGAIN` comes after a walk through `..` that met a rename. There is none here, but the manual page permits it, and
        // the server of a filesystem can return it for ever.
        undisturbed(|| self.calls.openat2(dir, path, flags, resolve))
    }

    /// The same one component at a time, for kernels before 5.6.
    fn walk(&self, dir: &K::Fd, path: &Path, flags: u32, crossing: Crossing) -> Step<K::Fd> {
        let home = match crossing {
            Crossing::Refuse => Some(self.mount_of_fd(dir)?),
            Crossing::Enter => None,
        };
        let mut components = path.as_os_str().as_bytes().split(|&byte| byte == b'/').map(OsStr::from_bytes).peekable();
        let mut reached: Option<K::Fd> = None;
        while let Some(name) = components.next() {
            let last = components.peek().is_none();
            let from = reached.as_ref().unwrap_or(dir);
            let next = self.calls.openat(At::Fd(from), name.as_ref(), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?;
            let (kind, mount) = self.kind_and_mount_of_fd(&next)?;
            if kind == S_IFLNK && !(last && flags & O_NOFOLLOW != 0) {
                return Err(Fault::new(Call::Openat, Errno::ELOOP));
            }
            if kind != S_IFDIR && (!last || flags & O_DIRECTORY != 0) {
                return Err(Fault::new(Call::Openat, Errno::ENOTDIR));
            }
            if home.is_some_and(|home| home != mount) {
                return Err(Fault::new(Call::Openat, Errno::EXDEV));
            }
            reached = Some(next);
        }
        match reached {
            Some(reached) if flags & O_PATH != 0 => Ok(reached),
            // A directory that is to be read: opened again from itself, so that no name is looked up twice.
            Some(reached) => self.calls.openat(At::Fd(&reached), ".".as_ref(), flags, 0),
            None => Err(Fault::new(Call::Openat, Errno::ENOENT)),
        }
    }
}
