//! Capabilities: bits of a capability set (`linux/capability.h`).

/// Change owners at will.
pub const CAP_CHOWN: u64 = 1 << 0;
/// Bypass read, write and execute checks.
pub const CAP_DAC_OVERRIDE: u64 = 1 << 1;
/// Bypass read checks of files, read and search checks of directories.
pub const CAP_DAC_READ_SEARCH: u64 = 1 << 2;
/// Act as the owner of any file.
pub const CAP_FOWNER: u64 = 1 << 3;
/// Keep set-user-id and set-group-id bits.
pub const CAP_FSETID: u64 = 1 << 4;
/// Map groups in a user namespace.
pub const CAP_SETGID: u64 = 1 << 6;
/// Map users in a user namespace.
pub const CAP_SETUID: u64 = 1 << 7;
/// `chroot`, and `setns` to a mount namespace.
pub const CAP_SYS_CHROOT: u64 = 1 << 18;
/// Look into any process.
pub const CAP_SYS_PTRACE: u64 = 1 << 19;
/// Mount, unmount, and the rest.
pub const CAP_SYS_ADMIN: u64 = 1 << 21;
/// Make device nodes.
pub const CAP_MKNOD: u64 = 1 << 27;
/// Set capabilities of files.
pub const CAP_SETFCAP: u64 = 1 << 31;
/// Every capability Linux 6.18 knows.
pub const CAP_FULL_SET: u64 = (1 << 41) - 1;
