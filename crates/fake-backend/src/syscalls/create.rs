//! `mkdirat`, `mknodat`, `symlinkat`, `linkat`: new names.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `mkdirat`. A process has no umask: `mode` is taken as it is.
    pub fn mkdirat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `mknodat`: `mode` with `S_IFREG`, `S_IFCHR`, `S_IFBLK`, `S_IFIFO` or `S_IFSOCK`; `device` as the kernel encodes it for
    /// user space (`makedev`).
    pub fn mknodat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, device: u64) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `symlinkat`: makes `path` a symlink with the text `target`.
    pub fn symlinkat(&mut self, pid: Pid, target: &[u8], at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `linkat`: another name for a file.
    pub fn linkat(
        &mut self,
        pid: Pid,
        from_at: impl Into<At>,
        from: &[u8],
        to_at: impl Into<At>,
        to: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
