//! `fchmodat2`, `fchownat`, `faccessat2`, `truncate`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `fchmodat2`: permission bits.
    pub fn fchmodat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `fchownat`: owner and group, as the caller's user namespace numbers them; `u32::MAX` leaves one as it is.
    pub fn fchownat(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        uid: u32,
        gid: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `faccessat2`: may the caller do `mode` (`R_OK`, `W_OK`, `X_OK`, or `F_OK`)?
    pub fn faccessat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
