//! Operations of `flock` (`asm-generic/fcntl.h`).

/// Exclusive.
pub const LOCK_EX: u32 = 2;
/// Do not wait.
pub const LOCK_NB: u32 = 4;
