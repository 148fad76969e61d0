//! Flags of a path walk.

use crate::abi;

/// The options of a lookup, for the last component and for those before it.
// Each is a switch of its own, and any may go with any.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct WalkFlags {
    /// Follow a symlink as the last component.
    pub(crate) follow: bool,
    /// The end must be a directory.
    pub(crate) directory: bool,
    /// An empty path is the start itself.
    pub(crate) empty: bool,
    /// At the end, step into what is mounted there, and leave expiry marks alone: `umount2`.
    pub(crate) unmount: bool,
    /// `RESOLVE_*`.
    pub(crate) resolve: u64,
}

impl WalkFlags {
    pub(crate) const FOLLOW: Self = Self { follow: true, directory: false, empty: false, unmount: false, resolve: 0 };

    /// From `AT_SYMLINK_NOFOLLOW` and `AT_EMPTY_PATH`; others are the caller's to check.
    pub(crate) const fn from_at(flags: u32) -> Self {
        Self {
            follow: flags & abi::AT_SYMLINK_NOFOLLOW == 0,
            directory: false,
            empty: flags & abi::AT_EMPTY_PATH != 0,
            unmount: false,
            resolve: 0,
        }
    }
}
