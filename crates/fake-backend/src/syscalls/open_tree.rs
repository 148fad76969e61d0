//! `open_tree` and `open_tree_attr`.

use mountwright_core::Errno;

use crate::{At, Machine, MountAttr, Pid};

impl Machine {
    /// `open_tree`: a descriptor of a place (`O_PATH`) or, with `OPEN_TREE_CLONE`, of a detached copy of what is mounted there.
    pub fn open_tree(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `open_tree_attr`: as `open_tree`, then as `mount_setattr` on it.
    pub fn open_tree_attr(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        flags: u32,
        attr: MountAttr,
    ) -> Result<i32, Errno> {
        Err(Errno::ENOSYS)
    }
}
