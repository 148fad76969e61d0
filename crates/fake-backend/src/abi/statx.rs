//! Masks and attributes of `statx` (`linux/stat.h`).

/// Kind.
pub const STATX_TYPE: u32 = 0x1;
/// Permission bits.
pub const STATX_MODE: u32 = 0x2;
/// Hard links.
pub const STATX_NLINK: u32 = 0x4;
/// Owner.
pub const STATX_UID: u32 = 0x8;
/// Group.
pub const STATX_GID: u32 = 0x10;
/// Access time.
pub const STATX_ATIME: u32 = 0x20;
/// Modification time.
pub const STATX_MTIME: u32 = 0x40;
/// Change time.
pub const STATX_CTIME: u32 = 0x80;
/// Inode number.
pub const STATX_INO: u32 = 0x100;
/// Size.
pub const STATX_SIZE: u32 = 0x200;
/// Blocks.
pub const STATX_BLOCKS: u32 = 0x400;
/// All fields of `stat`.
pub const STATX_BASIC_STATS: u32 = 0x7ff;
/// Birth time.
pub const STATX_BTIME: u32 = 0x800;
/// The reused mount id.
pub const STATX_MNT_ID: u32 = 0x1000;
/// Direct I/O alignment.
pub const STATX_DIOALIGN: u32 = 0x2000;
/// The mount id that is never used again.
pub const STATX_MNT_ID_UNIQUE: u32 = 0x4000;
/// Subvolume.
pub const STATX_SUBVOL: u32 = 0x8000;
/// Reserved: `EINVAL`.
pub const STATX__RESERVED: u32 = 0x8000_0000;
/// The root of a mount.
pub const STATX_ATTR_MOUNT_ROOT: u64 = 0x2000;
/// An automount point.
pub const STATX_ATTR_AUTOMOUNT: u64 = 0x1000;
/// Direct access.
pub const STATX_ATTR_DAX: u64 = 0x0020_0000;
