//! Namespace flags of `unshare` and `setns` (`linux/sched.h`).

/// A mount namespace.
pub const CLONE_NEWNS: u32 = 0x0002_0000;
/// A user namespace.
pub const CLONE_NEWUSER: u32 = 0x1000_0000;
/// Root, working directory and umask.
pub const CLONE_FS: u32 = 0x0000_0200;
