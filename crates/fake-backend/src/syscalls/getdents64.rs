//! `getdents64`.

use mountwright_core::Errno;

use crate::{Machine, Pid};

/// One directory entry (`struct linux_dirent64`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirent {
    /// Inode number: of what the name is, not of what is mounted on it.
    pub ino: u64,
    /// Where the next entry is: a position for `seek`.
    pub offset: u64,
    /// `DT_*`.
    pub kind: u8,
    /// The name; `.` and `..` come first.
    pub name: Vec<u8>,
}

impl Machine {
    /// `getdents64` with a buffer of `size` bytes: the next entries that fit; none at the end. `EINVAL`: too small for one.
    pub fn getdents64(&mut self, pid: Pid, fd: i32, size: usize) -> Result<Vec<Dirent>, Errno> {
        Err(Errno::ENOSYS)
    }
}
