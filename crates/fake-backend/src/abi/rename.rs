//! Flags of `renameat2` (`linux/fs.h`).

/// Do not overwrite the target.
pub const RENAME_NOREPLACE: u32 = 1;
/// Exchange source and target.
pub const RENAME_EXCHANGE: u32 = 2;
/// Leave a whiteout at the source.
pub const RENAME_WHITEOUT: u32 = 4;
