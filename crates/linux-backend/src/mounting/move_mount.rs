//! Moving mounts.

use mountwright_core::file::FinalSymlink;
use mountwright_core::{Errno, Location};

use crate::backend::LinuxBackend;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS_MOVE, S_IFLNK, STATX_TYPE};
use crate::syscalls::failure::Step;
use crate::syscalls::{Call, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn move_to(&self, from: &Location, to: &Location) -> Step<()> {
        let source = self.pin(from, FinalSymlink::Itself, 0)?;
        let target = self.pin(to, FinalSymlink::Itself, 0)?;
        let moved = if self.uses(Call::MoveMount) {
            self.calls.move_mount(&source, &target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
        } else {
            let (from, to) = (Reach::Descriptor(&source), Reach::Descriptor(&target));
            self.calls.mount(from, to, "".as_ref(), MS_MOVE, "".as_ref())
        };
        let is_link = |file| self.stat_fd(file, STATX_TYPE).is_ok_and(|stat| kind(&stat) == S_IFLNK);
        // For a symlink the kernel reports that it is not a mount, or not a directory.
        moved.map_err(|fault| match fault.errno() {
            Errno::EINVAL | Errno::ENOTDIR if is_link(&source) || is_link(&target) => fault.saying(Errno::ELOOP),
            _ => fault,
        })
    }
}
