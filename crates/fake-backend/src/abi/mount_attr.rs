//! Attributes of `mount_setattr` and `open_tree_attr` (`linux/mount.h`).

/// Read-only.
pub const MOUNT_ATTR_RDONLY: u64 = 0x1;
/// Ignore set-user-id bits.
pub const MOUNT_ATTR_NOSUID: u64 = 0x2;
/// No access to device nodes.
pub const MOUNT_ATTR_NODEV: u64 = 0x4;
/// No execution of files.
pub const MOUNT_ATTR_NOEXEC: u64 = 0x8;
/// The field of the access-time class; clearing it takes the whole field.
pub const MOUNT_ATTR__ATIME: u64 = 0x70;
/// Access times relative to modification times.
pub const MOUNT_ATTR_RELATIME: u64 = 0x0;
/// No access times.
pub const MOUNT_ATTR_NOATIME: u64 = 0x10;
/// Always update access times.
pub const MOUNT_ATTR_STRICTATIME: u64 = 0x20;
/// No access times of directories.
pub const MOUNT_ATTR_NODIRATIME: u64 = 0x80;
/// Id-mapped mount (not modelled: `EINVAL`).
pub const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;
/// Follow no symlink of this mount.
pub const MOUNT_ATTR_NOSYMFOLLOW: u64 = 0x0020_0000;
