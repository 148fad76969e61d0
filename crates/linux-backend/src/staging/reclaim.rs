//! Removal of the staging directories of killed processes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

use mountwright_core::Errno;

use crate::backend::LinuxBackend;
use crate::files::temp_name::is_passing_name;
use crate::resolve::identity::mount_key;
use crate::staging::area::{PURPOSE, ROOT, SOURCE};
use crate::syscalls::abi::{LOCK_EX, LOCK_NB, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, STATX_BASIC_STATS};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Stat};

/// The number of bytes of one read of the directory.
const ROOM: usize = 32 << 10;

impl<K: Kernel> LinuxBackend<K> {
    /// Removes the orphans beside the staging directory `own`, once for each backend. A failure does not affect the
    /// bind.
    pub(crate) fn reclaim_staging_once(&self, parent: &K::Fd, own: &K::Fd) {
        if self.found().reclaimed.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Err(fault) = self.reclaim_staging(parent, own) {
            tracing::debug!(subsystem = "mount", errno = %fault.errno(), "staging places were not looked through");
        }
    }

    fn reclaim_staging(&self, parent: &K::Fd, own: &K::Fd) -> Step<()> {
        let own = self.stat_fd(own, self.whose())?;
        let listing = self.calls.openat(At::Fd(parent), ".".as_ref(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)?;
        let mut names = Vec::new();
        loop {
            let entries = self.calls.getdents64(&listing, ROOM)?;
            if entries.is_empty() {
                break;
            }
            let passing = entries.iter().map(|entry| entry.name).filter(|name| is_passing_name(name, PURPOSE));
            names.extend(passing.map(ToOwned::to_owned));
        }
        for name in names {
            match self.reclaim(parent, &name, &own) {
                Ok(()) => tracing::info!(subsystem = "mount", name = %name.display(), "stale staging place removed"),
                Err(fault) => {
                    tracing::debug!(subsystem = "mount", name = %name.display(), errno = %fault.errno(), "staging place stays");
                }
            }
        }
        Ok(())
    }

    fn whose(&self) -> u32 {
        self.identity_mask() | STATX_BASIC_STATS
    }

    /// Removes a directory if it is proven to be an orphan: made like those of this backend, of the same owner, on the
    /// same mount, and unlocked, with nothing on its `root` or a tmpfs with this backend's own mark.
    fn reclaim(&self, parent: &K::Fd, name: &OsStr, own: &Stat) -> Step<()> {
        let flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        let left = self.calls.openat(At::Fd(parent), name.as_ref(), O_RDONLY | flags, 0)?;
        let stat = self.stat_fd(&left, self.whose())?;
        let alike =
            (stat.uid, stat.mode, stat.device, mount_key(&stat)) == (own.uid, own.mode, own.device, mount_key(own));
        if !alike || stat.inode == own.inode {
            return Err(Fault::new(Call::Statx, Errno::EBUSY));
        }
        self.calls.flock(&left, LOCK_EX | LOCK_NB)?;
        let root = match self.calls.openat(At::Fd(&left), ROOT.as_ref(), O_PATH | flags, 0) {
            Ok(root) => self.is_ours(&root)?.then_some(root),
            Err(fault) if fault.errno() == Errno::ENOENT => None,
            Err(fault) => return Err(fault),
        };
        self.clear_staging(parent, name, &left, root)
    }

    /// Returns true if the staging tmpfs is mounted there, false if nothing is; an error for any other mount.
    fn is_ours(&self, root: &K::Fd) -> Step<bool> {
        if !self.is_mount_root(root)? {
            return Ok(false);
        }
        let found = self.mount_of_pinned(root)?.mount;
        let marked = found.fs_type.as_bytes() == b"tmpfs" && found.source.as_bytes() == SOURCE.as_bytes();
        if marked { Ok(true) } else { Err(Fault::new(Call::Statx, Errno::EBUSY)) }
    }
}
