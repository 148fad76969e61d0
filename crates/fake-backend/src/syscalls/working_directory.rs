//! `getcwd`, `chdir`, `fchdir`, `chroot`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `getcwd`: from the process's root, with `(unreachable)` before it when it is not below that. `ENOENT`: deleted.
    pub fn getcwd(&self, pid: Pid) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `chdir`.
    pub fn chdir(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fchdir`.
    pub fn fchdir(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `chroot`.
    pub fn chroot(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
