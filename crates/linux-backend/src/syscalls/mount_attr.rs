//! The argument of `mount_setattr(2)`.

/// `struct mount_attr` without the descriptor of a user namespace: a delta to a mount's attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountAttr {
    /// `MOUNT_ATTR_…` to set.
    pub set: u64,
    /// `MOUNT_ATTR_…` to clear, before the others are set.
    pub clear: u64,
    /// `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE` or `MS_UNBINDABLE`; 0: leave it.
    pub propagation: u64,
}
