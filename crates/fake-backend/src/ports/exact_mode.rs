//! Creating things with exactly the mode that was asked for.

use std::path::Path;

use mountwright_core::{Errno, FileMode};

use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use super::metadata::kind;
use crate::abi::{
    AT_REMOVEDIR, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, S_IFLNK, STATX_BASIC_STATS, STATX_TYPE,
};
use crate::{At, Statx};

impl Calls<'_> {
    /// Makes a directory. Where its mode comes out other than asked for (a set-group-id directory above) it is corrected;
    /// where that fails it is removed again.
    pub(crate) fn new_directory(&mut self, at: impl Into<At>, name: &Path, mode: FileMode) -> Step<()> {
        let at = at.into();
        self.mkdirat(at, name, mode.bits().into())?;
        let fixed = self
            .openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0)
            .and_then(|fresh| self.correct_mode(fresh, mode));
        match fixed {
            Ok(_) => Ok(()),
            Err(fault) => Err(self.unlinkat(at, name, AT_REMOVEDIR).map_or_else(|second| second, |()| fault)),
        }
    }

    /// Makes an empty regular file.
    pub(crate) fn new_file(&mut self, at: impl Into<At>, name: &Path, mode: FileMode) -> Step<()> {
        let at = at.into();
        let fresh = self.create_exclusively(at, name, mode)?;
        match self.correct_mode(fresh, mode) {
            Ok(_) => Ok(()),
            Err(fault) => Err(self.unlinkat(at, name, 0).map_or_else(|second| second, |()| fault)),
        }
    }

    pub(crate) fn create_exclusively(&mut self, at: impl Into<At>, name: &Path, mode: FileMode) -> Step<Fd> {
        self.openat(at, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDONLY, mode.bits().into())
    }

    /// Gives a file of one's own making this mode, where it has another; says what it is.
    pub(crate) fn correct_mode(&mut self, fresh: Fd, mode: FileMode) -> Step<Statx> {
        let stat = self.stat_fd(fresh, STATX_BASIC_STATS)?;
        if FileMode::from_bits(stat.mode) != mode {
            self.fchmod(fresh, mode.bits().into())?;
        }
        Ok(stat)
    }

    /// Gives the file of this name a mode, not following a symlink.
    pub(crate) fn change_mode(&mut self, dir: Fd, name: &Path, mode: FileMode) -> Step<()> {
        let file = self.openat(dir, name, O_PATH | O_NOFOLLOW, 0)?;
        if kind(&self.stat_fd(file, STATX_TYPE)?) == S_IFLNK {
            return Err(Fault::new("chmod", Errno::ELOOP));
        }
        self.fchmod(file, mode.bits().into())
    }
}
