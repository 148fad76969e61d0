//! Flags of `mount` (`linux/mount.h`).

/// Read-only.
pub const MS_RDONLY: u64 = 1;
/// Ignore set-user-id bits.
pub const MS_NOSUID: u64 = 2;
/// No access to device nodes.
pub const MS_NODEV: u64 = 4;
/// No execution of files.
pub const MS_NOEXEC: u64 = 8;
/// Writes are synchronous.
pub const MS_SYNCHRONOUS: u64 = 16;
/// Change an existing mount or superblock.
pub const MS_REMOUNT: u64 = 32;
/// Mandatory locks (no effect since Linux 5.15).
pub const MS_MANDLOCK: u64 = 64;
/// Directory changes are synchronous.
pub const MS_DIRSYNC: u64 = 128;
/// Follow no symlink of this mount.
pub const MS_NOSYMFOLLOW: u64 = 256;
/// Do not update access times.
pub const MS_NOATIME: u64 = 1024;
/// Do not update access times of directories.
pub const MS_NODIRATIME: u64 = 2048;
/// Bind mount.
pub const MS_BIND: u64 = 4096;
/// Move a mount.
pub const MS_MOVE: u64 = 8192;
/// The whole tree.
pub const MS_REC: u64 = 16384;
/// Quiet.
pub const MS_SILENT: u64 = 32768;
/// POSIX ACLs.
pub const MS_POSIXACL: u64 = 1 << 16;
/// Propagation type unbindable.
pub const MS_UNBINDABLE: u64 = 1 << 17;
/// Propagation type private.
pub const MS_PRIVATE: u64 = 1 << 18;
/// Propagation type slave.
pub const MS_SLAVE: u64 = 1 << 19;
/// Propagation type shared.
pub const MS_SHARED: u64 = 1 << 20;
/// Access times relative to modification times.
pub const MS_RELATIME: u64 = 1 << 21;
/// Internal to the kernel; ignored.
pub const MS_KERNMOUNT: u64 = 1 << 22;
/// Inode versions.
pub const MS_I_VERSION: u64 = 1 << 23;
/// Always update access times.
pub const MS_STRICTATIME: u64 = 1 << 24;
/// Times are written lazily.
pub const MS_LAZYTIME: u64 = 1 << 25;
/// Internal to the kernel; `EINVAL` from a caller.
pub const MS_NOUSER: u64 = 1 << 31;
/// Old magic, discarded.
pub const MS_MGC_VAL: u64 = 0xC0ED_0000;
/// The bits the old magic stands in.
pub const MS_MGC_MSK: u64 = 0xffff_0000;
