//! `unlinkat`: names go.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `unlinkat`; with `AT_REMOVEDIR`, `rmdir`. `EBUSY`: a mount point in the caller's namespace; the mounts that other
    /// namespaces have there are detached.
    pub fn unlinkat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
