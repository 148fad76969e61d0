//! `readlinkat`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `readlinkat`: the text of a symlink; with an empty path and a descriptor of a symlink, of that.
    pub fn readlinkat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }
}
