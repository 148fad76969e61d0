//! `umount2`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `umount2`. `EINVAL`: not the root of a mount of this namespace, or locked. `EBUSY`: in use, children, or a copy of it in
    /// use. `EAGAIN`: marked by `MNT_EXPIRE`.
    pub fn umount2(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
