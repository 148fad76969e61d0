//! Flags and commands of `fsopen`, `fsconfig`, `fsmount` and `fspick` (`linux/mount.h`).

/// Close on exec.
pub const FSOPEN_CLOEXEC: u32 = 1;
/// Close on exec.
pub const FSMOUNT_CLOEXEC: u32 = 1;
/// Close on exec.
pub const FSPICK_CLOEXEC: u32 = 1;
/// Do not follow a symlink as the last component.
pub const FSPICK_SYMLINK_NOFOLLOW: u32 = 2;
/// Trigger no automount.
pub const FSPICK_NO_AUTOMOUNT: u32 = 4;
/// An empty path means the descriptor.
pub const FSPICK_EMPTY_PATH: u32 = 8;
/// Set a parameter without a value.
pub const FSCONFIG_SET_FLAG: u32 = 0;
/// Set a parameter to a text.
pub const FSCONFIG_SET_STRING: u32 = 1;
/// Set a parameter to bytes (not modelled: `EOPNOTSUPP`).
pub const FSCONFIG_SET_BINARY: u32 = 2;
/// Set a parameter to a path (not modelled: `EOPNOTSUPP`).
pub const FSCONFIG_SET_PATH: u32 = 3;
/// Set a parameter to a path or a descriptor (not modelled: `EOPNOTSUPP`).
pub const FSCONFIG_SET_PATH_EMPTY: u32 = 4;
/// Set a parameter to the file of a descriptor, which no modelled filesystem takes.
pub const FSCONFIG_SET_FD: u32 = 5;
/// Make the superblock, or take one that is there.
pub const FSCONFIG_CMD_CREATE: u32 = 6;
/// Change a superblock.
pub const FSCONFIG_CMD_RECONFIGURE: u32 = 7;
/// Make the superblock; one that is there is `EBUSY` (not modelled: `EOPNOTSUPP`).
pub const FSCONFIG_CMD_CREATE_EXCL: u32 = 8;
