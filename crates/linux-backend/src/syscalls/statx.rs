//! The result of statx(2).

use crate::syscalls::abi::{STATX_MNT_ID, STATX_MNT_ID_UNIQUE, STATX_TYPE};

/// The fields of statx for an identity: kind and mount.
pub(crate) const IDENTITY: u32 = STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE;

/// The fields of `struct statx` that the backend reads, as the kernel gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The fields that the result has (`stx_mask`).
    pub mask: u32,
    /// `STATX_ATTR_…` (`stx_attributes`).
    pub attributes: u64,
    /// The attributes that this kernel supports (`stx_attributes_mask`).
    pub attributes_mask: u64,
    /// Kind and permission bits (`stx_mode`).
    pub mode: u16,
    /// The time of birth, in seconds and nanoseconds, where `mask` has `STATX_BTIME`.
    pub birth: (i64, u32),
    /// The number of hard links.
    pub links: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The inode number.
    pub inode: u64,
    /// The size in bytes.
    pub size: u64,
    /// The device that a device node stands for: major and minor.
    pub represents: (u32, u32),
    /// The device of the filesystem: major and minor.
    pub device: (u32, u32),
    /// The mount's id: the unique one where `mask` has `STATX_MNT_ID_UNIQUE`, the classic one where it has
    /// `STATX_MNT_ID`.
    pub mount_id: u64,
}
