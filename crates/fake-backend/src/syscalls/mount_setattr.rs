//! `mount_setattr`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

/// The argument of `mount_setattr` (`struct mount_attr`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountAttr {
    /// `MOUNT_ATTR_*` to set.
    pub attr_set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub attr_clr: u64,
    /// `MS_SHARED`, `MS_PRIVATE`, `MS_SLAVE`, `MS_UNBINDABLE`, or 0.
    pub propagation: u64,
    /// A user namespace for `MOUNT_ATTR_IDMAP`.
    pub userns_fd: u64,
}

impl Machine {
    /// `mount_setattr`: all mounts (`AT_RECURSIVE`) or none are changed. `EBUSY`: open for writing. `EPERM`: locked flags.
    pub fn mount_setattr(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        flags: u32,
        attr: MountAttr,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
