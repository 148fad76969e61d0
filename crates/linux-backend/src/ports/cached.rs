//! Look-ups for the port's queries from the kernel's caches: they never wait for a filesystem's server.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FinalSymlink, Metadata};
use mountwright_core::{Errno, Location};

use crate::backend::LinuxBackend;
use crate::files::metadata::metadata;
use crate::resolve::in_root::{IN_ROOT, undisturbed_within};
use crate::resolve::path_text::in_a_root;
use crate::syscalls::abi::{
    O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};

/// The attempts at one look-up: the kernel gives up at once, as for a name that it does not know, where anything is mounted or
/// renamed on the machine in that very moment.
const ATTEMPTS: usize = 4;

/// The port's queries return at once at the *root* of a mount whose server may be dead. A component below it needs a look-up
/// by the server. These use the kernel's caches alone: a name that was not looked up lately is `EAGAIN` on every filesystem,
/// missing names included.
impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn stat_cached(&self, at: &Location, link: FinalSymlink) -> Step<Metadata> {
        metadata(&self.stat_fd(&self.pin_cached(at, link)?, self.metadata_mask())?)
    }

    pub(crate) fn real_path_cached(&self, path: &Path) -> Step<PathBuf> {
        let file = self.trusted_cached(path, O_PATH)?;
        self.path_of_pinned(&file, |real, mask| self.stat_fd(&self.trusted_cached(real, O_PATH | O_NOFOLLOW)?, mask))
    }

    pub(crate) fn pin_cached(&self, at: &Location, link: FinalSymlink) -> Step<K::Fd> {
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
            Location::InRoot { root, path } => {
                let path = in_a_root(path)?;
                self.open_cached(&self.trusted_cached(root, O_PATH | O_DIRECTORY)?, path, last, IN_ROOT)
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
        let (flags, resolve) = (flags | O_CLOEXEC, resolve | RESOLVE_CACHED);
        let opened = undisturbed_within(ATTEMPTS, || self.calls.openat2(dir, path, flags, resolve));
        opened.map_err(|fault| match fault.errno() {
            // From a kernel that does not know the flag; a path with a NUL never reaches the kernel.
            Errno::EINVAL if !path.as_os_str().as_bytes().contains(&0) => fault.saying(Errno::EOPNOTSUPP),
            _ => fault,
        })
    }
}
