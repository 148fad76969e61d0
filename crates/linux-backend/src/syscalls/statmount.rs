//! The result of statmount(2).

use std::ffi::OsString;

/// The fields of `struct statmount` that the backend reads, as the kernel gives them. A field counts only where `mask`
/// has its bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountStat {
    /// The fields that the result has (`STATMOUNT_…`).
    pub mask: u64,
    /// The fields that this kernel supports, if `mask` has `STATMOUNT_SUPPORTED_MASK` (6.15). `mask` lacks the bit of
    /// an empty string too.
    pub supported: u64,
    /// The device of the filesystem: major and minor.
    pub device: (u32, u32),
    /// The filesystem's magic number.
    pub magic: u64,
    /// The superblock's flags: `MS_RDONLY`, `MS_SYNCHRONOUS`, `MS_DIRSYNC`, `MS_LAZYTIME`.
    pub sb_flags: u32,
    /// The unique id.
    pub id: u64,
    /// The classic id.
    pub old_id: u32,
    /// The parent's unique id.
    pub parent: u64,
    /// The parent's classic id.
    pub old_parent: u32,
    /// `MOUNT_ATTR_…`.
    pub attributes: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE`.
    pub propagation: u64,
    /// The peer group; 0: none.
    pub peer_group: u64,
    /// The master's peer group; 0: none.
    pub master: u64,
    /// The nearest dominating group below the caller's root; 0: none.
    pub propagate_from: u64,
    /// The root of the mount in its filesystem.
    pub root: OsString,
    /// The mount point, seen from the caller's root.
    pub mount_point: OsString,
    /// The type.
    pub fs_type: OsString,
    /// The subtype: `sshfs` of `fuse.sshfs`.
    pub subtype: OsString,
    /// The source.
    pub source: OsString,
    /// The filesystem's own options, without `rw` and `ro`.
    pub options: OsString,
}
