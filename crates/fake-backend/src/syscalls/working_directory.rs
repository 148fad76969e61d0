//! `getcwd`, `chdir`, `fchdir`, `chroot`.

use mountwright_core::Errno;

use crate::abi::CAP_SYS_CHROOT;
use crate::model::machine::Machine;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::permission::EXECUTE;
use crate::model::vfs::walk_flags::WalkFlags;

impl Machine {
    /// `getcwd`: from the process's root, with `(unreachable)` before it when it is not below that. `ENOENT`: deleted.
    ///
    /// # Errors
    /// `ENOENT`: it was removed.
    pub fn getcwd(&self, pid: Pid) -> Result<Vec<u8>, Errno> {
        let task = self.task(pid)?;
        if self.is_unlinked(task.current_dir.dentry) {
            return Err(Errno::ENOENT);
        }
        Ok(self
            .path_from(task.current_dir, task.root)
            .unwrap_or_else(|partial| [b"(unreachable)", &partial[..]].concat()))
    }

    /// `chdir`.
    ///
    /// # Errors
    /// Those of the walk; `ENOTDIR`, `EACCES`.
    pub fn chdir(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        let flags = WalkFlags { directory: true, ..WalkFlags::FOLLOW };
        let place = self.walk(pid, at.into(), path, flags)?;
        self.change_directory(pid, place)
    }

    /// `fchdir`.
    ///
    /// # Errors
    /// `EBADF`, `ENOTDIR`, `EACCES`.
    pub fn fchdir(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        let place = self.file(pid, fd)?.place;
        if !self.is_directory(place) {
            return Err(Errno::ENOTDIR);
        }
        self.change_directory(pid, place)
    }

    /// `chroot`.
    ///
    /// # Errors
    /// As [`Machine::chdir`]; `EPERM`: without `CAP_SYS_CHROOT`.
    pub fn chroot(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        let flags = WalkFlags { directory: true, ..WalkFlags::FOLLOW };
        let place = self.walk(pid, at.into(), path, flags)?;
        self.check_permission_at(pid, place, EXECUTE)?;
        if !self.capable(pid, self.task(pid)?.user_ns, CAP_SYS_CHROOT) {
            return Err(Errno::EPERM);
        }
        self.hold(place);
        let before = std::mem::replace(&mut self.task_mut(pid)?.root, place);
        self.let_go(before);
        Ok(())
    }

    /// `umask`: permission bits that new files do not get. Returns the mask before; a machine's first process has none.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn umask(&mut self, pid: Pid, mask: u32) -> Result<u32, Errno> {
        Ok(std::mem::replace(&mut self.task_mut(pid)?.umask, mask & 0o777))
    }
}

impl Machine {
    fn change_directory(&mut self, pid: Pid, place: Place) -> Result<(), Errno> {
        self.check_permission_at(pid, place, EXECUTE)?;
        self.hold(place);
        let before = std::mem::replace(&mut self.task_mut(pid)?.current_dir, place);
        self.let_go(before);
        Ok(())
    }
}
