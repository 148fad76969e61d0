//! Flags of `umount2` (`linux/fs.h`).

/// Abort requests in flight.
pub const MNT_FORCE: u32 = 1;
/// Lazy: out of the tree now, freed when unused.
pub const MNT_DETACH: u32 = 2;
/// Only if unused since the last such call.
pub const MNT_EXPIRE: u32 = 4;
/// Do not follow a symlink as the last component.
pub const UMOUNT_NOFOLLOW: u32 = 8;
