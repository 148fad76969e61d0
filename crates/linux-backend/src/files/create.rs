//! Creates files and directories with exactly the requested mode, without changing the umask.

use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::file::FileIdentity;
use mountwright_core::{Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::files::metadata::file_identity;
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{
    AT_REMOVEDIR, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, S_IFDIR, STATX_INO,
    STATX_MODE, STATX_NLINK, STATX_SIZE, STATX_TYPE,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach, Stat};

/// The fields that distinguish a file just created from any other.
pub(crate) const FRESH: u32 = STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE;

/// Inherited by a directory that is made in a directory that has it.
pub(crate) const SET_GROUP_ID: u16 = 0o2000;

/// Returns true if a file or directory with this mode can be a new one: it has no permission that was not requested.
pub(crate) fn may_be_fresh(stat: &Stat, mode: FileMode) -> bool {
    stat.mode & 0o7777 & !(mode.bits() | SET_GROUP_ID) == 0
}

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
    /// If its name leads to another directory by then, that one is left as it is: `ESTALE`. If another caller has mounted
    /// on it in between, it is left to that caller: `EEXIST`, as if the other had created
    /// it.
    pub(crate) fn new_directory(
        &self,
        dir: At<'_, K::Fd>,
        name: &Path,
        mode: FileMode,
        shown: &Path,
    ) -> Step<FileIdentity> {
        self.calls.mkdirat(dir, name, mode.bits().into())?;
        let At::Fd(parent) = dir else {
            // The path ends in no name, so the kernel has refused it.
            return Err(Fault::new(Call::Mkdirat, Errno::EEXIST));
        };
        let fix = || -> Step<FileIdentity> {
            let (fresh, stat) = self.open_fresh_directory(parent, name, mode)?;
            self.correct_mode_of(&fresh, &stat, mode)?;
            file_identity(&stat)
        };
        fix().map_err(|fault| {
            // Another caller has removed or exchanged it: the name is another directory's by now.
            if matches!(fault.errno(), Errno::ENOENT | Errno::ESTALE) {
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

    /// Opens a directory that this call has just created in `parent`. No mount is crossed, and a directory that does not
    /// look newly created is `ESTALE`: another process has exchanged the name.
    pub(crate) fn open_fresh_directory(&self, parent: &K::Fd, name: &Path, mode: FileMode) -> Step<(K::Fd, Stat)> {
        let fresh = self.beneath(parent, name, O_PATH | O_DIRECTORY, Crossing::Refuse)?;
        let stat = self.stat_fd(&fresh, FRESH | STATX_NLINK | self.identity_mask())?;
        if may_be_fresh(&stat, mode) { Ok((fresh, stat)) } else { Err(Fault::new(Call::Openat, Errno::ESTALE)) }
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
        let stat = self.stat_fd(fresh, FRESH | self.identity_mask())?;
        self.correct_mode_of(fresh, &stat, mode)?;
        Ok(stat)
    }

    /// Sets the mode of a file that was just created, if it differs. A directory with an entry is left: another caller
    /// uses it, or it is another directory.
    pub(crate) fn correct_mode_of(&self, fresh: &K::Fd, stat: &Stat, mode: FileMode) -> Step<()> {
        let is_used = kind(stat) == S_IFDIR && stat.links > 2;
        if FileMode::from_bits(stat.mode) != mode && !is_used {
            self.calls.chmod(Reach::Descriptor(fresh), mode.bits().into())?;
        }
        Ok(())
    }
}
