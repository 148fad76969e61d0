//! `move_mount`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `move_mount`: attaches a detached tree or moves an attached one; `MOVE_MOUNT_BENEATH`, `MOVE_MOUNT_SET_GROUP`.
    pub fn move_mount(
        &mut self,
        pid: Pid,
        from_at: impl Into<At>,
        from: &[u8],
        to_at: impl Into<At>,
        to: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
