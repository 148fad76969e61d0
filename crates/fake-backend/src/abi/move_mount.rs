//! Flags of `open_tree` and `move_mount` (`linux/mount.h`).

/// A detached copy.
pub const OPEN_TREE_CLONE: u32 = 1;
/// Close on exec.
pub const OPEN_TREE_CLOEXEC: u32 = 0o2_000_000;
/// Follow a symlink as the last component of the source.
pub const MOVE_MOUNT_F_SYMLINKS: u32 = 0x1;
/// Follow automounts on the source.
pub const MOVE_MOUNT_F_AUTOMOUNTS: u32 = 0x2;
/// An empty source path means the descriptor.
pub const MOVE_MOUNT_F_EMPTY_PATH: u32 = 0x4;
/// Follow a symlink as the last component of the target.
pub const MOVE_MOUNT_T_SYMLINKS: u32 = 0x10;
/// Follow automounts on the target.
pub const MOVE_MOUNT_T_AUTOMOUNTS: u32 = 0x20;
/// An empty target path means the descriptor.
pub const MOVE_MOUNT_T_EMPTY_PATH: u32 = 0x40;
/// Put the target into the peer group of the source.
pub const MOVE_MOUNT_SET_GROUP: u32 = 0x100;
/// Mount beneath the topmost mount.
pub const MOVE_MOUNT_BENEATH: u32 = 0x200;
