//! `mount` and `pivot_root`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

impl Machine {
    /// `mount`: a new filesystem, a bind, a move, a remount or a propagation change, as `flags` (`MS_*`) say. Source and
    /// target may go through a descriptor's magic link ([`At::Link`]); `source` of a new filesystem is only a string.
    pub fn mount(
        &mut self,
        pid: Pid,
        source: Option<(At, &[u8])>,
        target: (At, &[u8]),
        fs_type: Option<&[u8]>,
        flags: u64,
        data: Option<&[u8]>,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `pivot_root`: the mount at `new_root` becomes the root of the namespace, the old root goes to `put_old`.
    pub fn pivot_root(&mut self, pid: Pid, new_root: (At, &[u8]), put_old: (At, &[u8])) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
