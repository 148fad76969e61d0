//! `renameat2`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `renameat2`. `EXDEV`: two mounts, even of one filesystem. `EBUSY`: a mount point in the caller's namespace.
    pub fn renameat2(
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
