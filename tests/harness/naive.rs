//! The obvious implementation, by paths: check, make the directory, mount, remount; and to undo it unmount and remove.
//!
//! Attacks and searches run on it beside the backend: where they find nothing in it, they would find nothing anywhere.

use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_linux::abi::{
    AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REMOUNT, O_CLOEXEC, O_CREAT,
    O_DIRECTORY, O_RDONLY, O_WRONLY, S_IFDIR, S_IFLNK, S_IFMT, STATX_BASIC_STATS, UMOUNT_NOFOLLOW,
};
use mountwright_linux::{At, Kernel, Reach};

/// The naive implementation, with the paths it works on.
#[derive(Clone, Debug)]
pub struct Naive<K> {
    calls: K,
    /// Every name that must not be a symlink, the target last.
    checked: Vec<PathBuf>,
    target: PathBuf,
    source: PathBuf,
    of_a_file: bool,
}

impl<K: Kernel> Naive<K> {
    /// Shares the directory `source` at `path` below `root`, of which every name is checked.
    pub fn below(calls: K, root: impl Into<PathBuf>, path: impl AsRef<Path>, source: impl Into<PathBuf>) -> Self {
        let mut target = root.into();
        let mut checked = Vec::new();
        for name in path.as_ref() {
            target.push(name);
            checked.push(target.clone());
        }
        Self { calls, checked, target, source: source.into(), of_a_file: false }
    }

    /// The source is a file.
    #[must_use]
    pub fn of_a_file(mut self) -> Self {
        self.of_a_file = true;
        self
    }

    fn kind(&self, path: &Path) -> Result<u32, Errno> {
        let stat = self.calls.statx(At::Cwd, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS)?;
        Ok(u32::from(stat.mode) & S_IFMT)
    }

    fn refuse_links(&self) -> Result<(), Errno> {
        let is_link = |path: &PathBuf| self.kind(path) == Ok(S_IFLNK);
        if self.checked.iter().any(is_link) { Err(Errno::ELOOP) } else { Ok(()) }
    }

    /// Shares read-only.
    pub fn share(&self) -> Result<(), Errno> {
        self.refuse_links()?;
        match self.make_placeholder() {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        let target = Reach::Path(&self.target);
        let mount = |source, flags| self.calls.mount(Reach::Path(source), target, "".as_ref(), flags, "".as_ref());
        mount(&self.source, MS_BIND)?;
        mount("".as_ref(), MS_REMOUNT | MS_BIND | MS_RDONLY)?;
        mount("".as_ref(), MS_PRIVATE)
    }

    /// Unmounts and removes what is left, with all that is in it.
    pub fn unshare(&self) -> Result<(), Errno> {
        self.unmount()?;
        self.remove_all(&self.target)
    }

    /// Unmounts and removes the placeholder, a directory only if it is empty.
    ///
    /// # Errors
    ///
    /// `ELOOP` if it sees a symlink, and the errors of the removal.
    pub fn unshare_empty(&self) -> Result<(), Errno> {
        self.unmount()?;
        self.calls.unlinkat(At::Cwd, &self.target, if self.of_a_file { 0 } else { AT_REMOVEDIR })
    }

    fn make_placeholder(&self) -> Result<(), Errno> {
        if self.of_a_file {
            // As `touch` does it.
            return self.calls.openat(At::Cwd, &self.target, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644).map(drop);
        }
        self.calls.mkdirat(At::Cwd, &self.target, 0o755)
    }

    fn unmount(&self) -> Result<(), Errno> {
        self.refuse_links()?;
        // Another process may have unmounted it already.
        let _ = self.calls.umount2(Reach::Path(&self.target), MNT_DETACH | UMOUNT_NOFOLLOW);
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
                self.remove_all(&path.join(entry.name))?;
            }
        }
        self.calls.unlinkat(At::Cwd, path, AT_REMOVEDIR)
    }
}
