//! `statx`: what a path or descriptor is.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

/// A time. The model has no clock: it counts changes, one nanosecond each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatxTimestamp {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: u32,
}

/// The answer of `statx` (`struct statx`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statx {
    /// Which fields are filled in.
    pub mask: u32,
    /// Preferred block size.
    pub blksize: u32,
    /// `STATX_ATTR_*`.
    pub attributes: u64,
    /// Which attributes mean something.
    pub attributes_mask: u64,
    /// Hard links.
    pub nlink: u32,
    /// Owner, as the process's user namespace numbers it.
    pub uid: u32,
    /// Group, as the process's user namespace numbers it.
    pub gid: u32,
    /// Kind and permission bits.
    pub mode: u16,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Access time.
    pub atime: StatxTimestamp,
    /// Birth time.
    pub btime: StatxTimestamp,
    /// Change time.
    pub ctime: StatxTimestamp,
    /// Modification time.
    pub mtime: StatxTimestamp,
    /// Device a node stands for: major.
    pub rdev_major: u32,
    /// Device a node stands for: minor.
    pub rdev_minor: u32,
    /// Device of the filesystem: major.
    pub dev_major: u32,
    /// Device of the filesystem: minor.
    pub dev_minor: u32,
    /// Mount id: the unique one when `STATX_MNT_ID_UNIQUE` was asked for.
    pub mnt_id: u64,
}

impl Machine {
    /// `statx`; with `AT_EMPTY_PATH` and an empty path, of the descriptor (`fstat`).
    pub fn statx(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32, mask: u32) -> Result<Statx, Errno> {
        Err(Errno::ENOSYS)
    }
}
