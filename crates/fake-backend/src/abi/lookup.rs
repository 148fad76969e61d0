//! Constants for path arguments: start directory and lookup flags (`linux/fcntl.h`, `linux/openat2.h`).

/// The working directory.
pub const AT_FDCWD: i32 = -100;
/// Do not follow a symlink as the last component.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// `unlinkat` removes a directory.
pub const AT_REMOVEDIR: u32 = 0x200;
/// `faccessat` asks for the effective ids.
pub const AT_EACCESS: u32 = 0x200;
/// `linkat` follows a symlink.
pub const AT_SYMLINK_FOLLOW: u32 = 0x400;
/// Trigger no automount.
pub const AT_NO_AUTOMOUNT: u32 = 0x800;
/// An empty path means the descriptor itself.
pub const AT_EMPTY_PATH: u32 = 0x1000;
/// Ask the server.
pub const AT_STATX_FORCE_SYNC: u32 = 0x2000;
/// Do not ask the server.
pub const AT_STATX_DONT_SYNC: u32 = 0x4000;
/// The whole tree.
pub const AT_RECURSIVE: u32 = 0x8000;
/// Cross no mount.
pub const RESOLVE_NO_XDEV: u64 = 0x01;
/// Follow no magic link.
pub const RESOLVE_NO_MAGICLINKS: u64 = 0x02;
/// Follow no symlink at all.
pub const RESOLVE_NO_SYMLINKS: u64 = 0x04;
/// Stay below the start.
pub const RESOLVE_BENEATH: u64 = 0x08;
/// The start is the root.
pub const RESOLVE_IN_ROOT: u64 = 0x10;
/// Only what is cached, else `EAGAIN`.
pub const RESOLVE_CACHED: u64 = 0x20;
/// The longest path, its NUL included.
pub const PATH_MAX: usize = 4096;
/// The longest name.
pub const NAME_MAX: usize = 255;
/// `faccessat`: is it there?
pub const F_OK: u32 = 0;
/// `faccessat`: may it be executed or searched?
pub const X_OK: u32 = 1;
/// `faccessat`: may it be written?
pub const W_OK: u32 = 2;
/// `faccessat`: may it be read?
pub const R_OK: u32 = 4;
