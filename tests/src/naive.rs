//! What everybody writes first, by paths: check, make the directory, mount, remount; and to undo it unmount and remove.
//!
//! Attacks and searches run on it beside the backend: where they find nothing in it, they would find nothing anywhere.

use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_linux::abi::{
    AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REMOUNT, O_CLOEXEC, O_DIRECTORY,
    O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT, STATX_BASIC_STATS, UMOUNT_NOFOLLOW,
};
use mountwright_linux::{At, Kernel, Reach};

/// The naive way, with the paths it works on.
#[derive(Clone, Debug)]
pub struct Naive<K> {
    calls: K,
    container: PathBuf,
    rootfs: PathBuf,
    source: PathBuf,
}

impl<K: Kernel> Naive<K> {
    /// Shares `source` at `<container>/rootfs`.
    pub fn new(calls: K, container: impl Into<PathBuf>, source: impl Into<PathBuf>) -> Self {
        let container = container.into();
        Self { calls, rootfs: container.join("rootfs"), container, source: source.into() }
    }

    fn kind(&self, path: &Path) -> Result<u32, Errno> {
        let stat = self.calls.statx(At::Cwd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS)?;
        Ok(u32::from(stat.mode) & S_IFMT)
    }

    fn refuse_links(&self) -> Result<(), Errno> {
        let is_link = |path: &PathBuf| self.kind(path) == Ok(S_IFLNK);
        if [&self.container, &self.rootfs].into_iter().any(is_link) { Err(Errno::ELOOP) } else { Ok(()) }
    }

    /// Shares read-only.
    ///
    /// # Errors
    ///
    /// The first call that fails; nothing is taken back.
    pub fn share(&self) -> Result<(), Errno> {
        self.refuse_links()?;
        match self.calls.mkdirat(At::Cwd, &self.rootfs, 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        let target = Reach::Path(&self.rootfs);
        let mount = |source, flags| self.calls.mount(Reach::Path(source), target, "".as_ref(), flags, "".as_ref());
        mount(&self.source, MS_BIND)?;
        mount("".as_ref(), MS_REMOUNT | MS_BIND | MS_RDONLY)?;
        mount("".as_ref(), MS_PRIVATE)
    }

    /// Unmounts and removes what is left, with all that is in it.
    ///
    /// # Errors
    ///
    /// The first call of the removal that fails.
    pub fn unshare(&self) -> Result<(), Errno> {
        self.unmount()?;
        self.remove_all(&self.rootfs)
    }

    /// Unmounts and removes the directory if it is empty.
    ///
    /// # Errors
    ///
    /// `ELOOP` where it sees a symlink, and what the removal answers.
    pub fn unshare_empty(&self) -> Result<(), Errno> {
        self.unmount()?;
        self.calls.unlinkat(At::Cwd, &self.rootfs, AT_REMOVEDIR)
    }

    fn unmount(&self) -> Result<(), Errno> {
        self.refuse_links()?;
        // Somebody may have unmounted it already.
        let _ = self.calls.umount2(Reach::Path(&self.rootfs), MNT_DETACH | UMOUNT_NOFOLLOW);
        Ok(())
    }

    fn remove_all(&self, path: &Path) -> Result<(), Errno> {
        if self.kind(path)? != S_IFDIR {
            return self.calls.unlinkat(At::Cwd, path, 0);
        }
        let directory = self.calls.openat(At::Cwd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)?;
        loop {
            let entries = self.calls.getdents64(&directory, 1 << 15)?;
            if entries.is_empty() {
                break;
            }
            for entry in entries.iter().filter(|entry| entry.name != "." && entry.name != "..") {
                self.remove_all(&path.join(&entry.name))?;
            }
        }
        self.calls.unlinkat(At::Cwd, path, AT_REMOVEDIR)
    }
}
