//! Access that a superblock gives.

/// Access that a filesystem's superblock gives through each of its mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SuperblockAccess {
    /// Reading alone: every write fails with `EROFS`, whatever the mount's own attributes are.
    ReadOnly,
    /// Reading and writing, through the mounts that are not read-only themselves.
    ReadWrite,
}
