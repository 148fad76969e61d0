//! Flags of `open`, `openat` and `openat2` (`asm-generic/fcntl.h`).

/// Read.
pub const O_RDONLY: u32 = 0;
/// Write.
pub const O_WRONLY: u32 = 1;
/// Read and write.
pub const O_RDWR: u32 = 2;
/// The bits of the access mode.
pub const O_ACCMODE: u32 = 3;
/// Create the file if it is missing.
pub const O_CREAT: u32 = 0o100;
/// Fail if it exists.
pub const O_EXCL: u32 = 0o200;
/// No controlling terminal.
pub const O_NOCTTY: u32 = 0o400;
/// Empty it.
pub const O_TRUNC: u32 = 0o1_000;
/// Write at the end.
pub const O_APPEND: u32 = 0o2_000;
/// Do not wait.
pub const O_NONBLOCK: u32 = 0o4_000;
/// Data is synchronous.
pub const O_DSYNC: u32 = 0o10_000;
/// Past the cache.
pub const O_DIRECT: u32 = 0o40_000;
/// Large offsets.
pub const O_LARGEFILE: u32 = 0o100_000;
/// Only a directory.
pub const O_DIRECTORY: u32 = 0o200_000;
/// Not through a symlink as the last component.
pub const O_NOFOLLOW: u32 = 0o400_000;
/// No access time.
pub const O_NOATIME: u32 = 0o1_000_000;
/// Close on exec.
pub const O_CLOEXEC: u32 = 0o2_000_000;
/// Synchronous.
pub const O_SYNC: u32 = 0o4_010_000;
/// Only a place, no access.
pub const O_PATH: u32 = 0o10_000_000;
/// A file without a name (not modelled: `EOPNOTSUPP`).
pub const O_TMPFILE: u32 = 0o20_200_000;
