//! Creates files and directories with exactly the requested mode, without changing the umask.

use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::file::FileIdentity;
use mountwright_core::{Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::files::metadata::file_identity;
use crate::resolve::beneath::Crossing;
use crate::syscalls::abi::{
    AT_REMOVEDIR, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, STATX_INO, STATX_MODE,
    STATX_SIZE, STATX_TYPE,
};
use crate::syscalls::failure::Step;
use crate::syscalls::{At, Kernel, Reach, Stat};

/// The fields that distinguish a file just created from any other.
pub(crate) const FRESH: u32 = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Directory,
    /// Anything that is no directory: its placeholder is an empty regular file.
    File,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Creates a directory and returns its identity. If its mode differs from the requested one (umask, default ACL,
    /// set-group-id of the parent), it is corrected by descriptor; if that fails, the directory is removed.
    ///
    /// If another caller has mounted on it in between, it is left to that caller: `EEXIST`, as if the other had created
    /// it.
    pub(crate) fn new_directory(
        &self,
        dir: At<'_, K::Fd>,
        name: &Path,
        mode: FileMode,
        shown: &Path,
    ) -> Step<FileIdentity> {
        self.calls.mkdirat(dir, name, mode.bits().into())?;
        let fix = || -> Step<FileIdentity> {
            let fresh = match dir {
                // No mount is crossed: if the name was exchanged, the mode of another process's directory would change.
                At::Fd(dir) => self.beneath(dir, name, O_PATH | O_DIRECTORY, Crossing::Refuse)?,
                At::Cwd => self.calls.openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)?,
            };
            self.correct_mode(&fresh, mode).and_then(|stat| file_identity(&stat))
        };
        fix().map_err(|fault| {
            // Another caller has removed it, and the name may be another directory's by now.
            if fault.errno() == Errno::ENOENT {
                return fault;
            }
            let covered = fault.errno() == Errno::EXDEV;
            match self.calls.unlinkat(dir, name, AT_REMOVEDIR).map_err(|kept| kept.errno()) {
                Ok(()) | Err(Errno::ENOENT) if covered => fault.saying(Errno::ENOENT),
                Err(Errno::EBUSY) if covered => fault.saying(Errno::EEXIST),
                Ok(()) | Err(Errno::ENOENT) => fault,
                Err(_) => fault.leaving(Leftover::Directory(shown.to_path_buf())),
            }
        })
    }

    /// Makes an empty regular file.
    pub(crate) fn new_file(&self, dir: At<'_, K::Fd>, name: &Path, mode: FileMode, shown: &Path) -> Step<FileIdentity> {
        let fresh = self.create_exclusively(dir, name, mode)?;
        let fixed = self.correct_mode(&fresh, mode).and_then(|stat| file_identity(&stat));
        fixed.map_err(|fault| match self.calls.unlinkat(dir, name, 0) {
            Ok(()) => fault,
            Err(gone) if gone.errno() == Errno::ENOENT => fault,
            Err(_) => fault.leaving(Leftover::File(shown.to_path_buf())),
        })
    }

    pub(crate) fn create_exclusively(&self, dir: At<'_, K::Fd>, name: &Path, mode: FileMode) -> Step<K::Fd> {
        let flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY | O_CLOEXEC;
        self.calls.openat(dir, name, flags, mode.bits().into())
    }

    /// Sets the mode of a file that this call has created, if it differs. Returns its stat.
    pub(crate) fn correct_mode(&self, fresh: &K::Fd, mode: FileMode) -> Step<Stat> {
        let stat = self.stat_fd(fresh, FRESH)?;
        self.correct_mode_of(fresh, &stat, mode)?;
        Ok(stat)
    }

    pub(crate) fn correct_mode_of(&self, fresh: &K::Fd, stat: &Stat, mode: FileMode) -> Step<()> {
        if FileMode::from_bits(stat.mode) != mode {
            self.calls.chmod(Reach::Descriptor(fresh), mode.bits().into())?;
        }
        Ok(())
    }
}
