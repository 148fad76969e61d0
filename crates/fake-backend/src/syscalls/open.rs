//! `openat`, `openat2` and what is done to open files.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

/// The arguments of `openat2` (`struct open_how`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenHow {
    /// `O_*`.
    pub flags: u64,
    /// Permission bits of a file that is made; must be 0 when none can be made.
    pub mode: u64,
    /// `RESOLVE_*`.
    pub resolve: u64,
}

impl Machine {
    /// `openat`: opens `path`. Flags that Linux does not know are ignored.
    pub fn openat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32, mode: u32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `openat2`: opens `path`; unknown flags, and modes without `O_CREAT`, are `EINVAL`.
    pub fn openat2(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], how: OpenHow) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `close`. The last descriptor of a tree that `open_tree` cloned and nobody attached dissolves the tree.
    pub fn close(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fcntl(F_DUPFD, from)`: the lowest free descriptor not below `from`, of the same open file. `dup` with `from` 0.
    pub fn dup(&mut self, pid: Pid, fd: i32, from: i32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `read`: up to `count` bytes from the file's position on.
    pub fn read(&mut self, pid: Pid, fd: i32, count: usize) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `pread`: up to `count` bytes from `offset` on; the position stays.
    pub fn pread(&mut self, pid: Pid, fd: i32, count: usize, offset: u64) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `write` at the position, or at the end with `O_APPEND`.
    pub fn write(&mut self, pid: Pid, fd: i32, bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `lseek(SEEK_SET)`. On a directory, 0 or an offset that `getdents64` gave.
    pub fn seek(&mut self, pid: Pid, fd: i32, position: u64) -> Result<u64, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fcntl(F_GETFL)`: access mode and status flags of the open file.
    pub fn status_flags(&self, pid: Pid, fd: i32) -> Result<u32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// The descriptors that the process has open, in order: what `/proc/PID/fd` lists.
    pub fn descriptors(&self, pid: Pid) -> Result<Vec<i32>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Bytes of `/proc/PID/fdinfo/FD` (position, flags, `mnt_id`, inode).
    pub fn fdinfo(&self, pid: Pid, fd: i32) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }
}
