//! Moving mounts.

use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::{Errno, Location};

use crate::backend::LinuxBackend;
use crate::mounting::target::Named;
use crate::resolve::identity::kind;
use crate::resolve::location::without_end_slashes;
use crate::syscalls::abi::{
    MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS_MOVE, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_TYPE,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn move_to(&self, from: &Location, to: &Location) -> Step<()> {
        let source = self.pin(from, FinalSymlink::Itself, 0)?;
        let Location::InRoot { root, path } = to else {
            return self.move_onto(&source, &self.pin(to, FinalSymlink::Itself, 0)?);
        };
        let (root, path) = (self.root_of_place(root)?, without_end_slashes(path));
        let target = self.in_root(&root, path, O_PATH | O_NOFOLLOW)?;
        self.move_onto(&source, &target)?;
        let shown = self.mount_of_fd(&source).and_then(|mount| self.name_shows(&Named::InRoot(root, path), mount));
        shown.map_err(|fault| self.moved_back(&source, (from, to), fault))
    }

    pub(crate) fn move_onto(&self, source: &K::Fd, target: &K::Fd) -> Step<()> {
        let moved = if self.uses(Call::MoveMount) {
            self.calls.move_mount(source, target, "".as_ref(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
        } else {
            let (from, to) = (Reach::Descriptor(source), Reach::Descriptor(target));
            self.calls.mount(from, to, "".as_ref(), MS_MOVE, "".as_ref())
        };
        let is_link = |file| self.stat_fd(file, STATX_TYPE).is_ok_and(|stat| kind(&stat) == S_IFLNK);
        // For a symlink the kernel reports that it is not a mount, or not a directory.
        moved.map_err(|fault| match fault.errno() {
            Errno::EINVAL | Errno::ENOTDIR if is_link(source) || is_link(target) => fault.saying(Errno::ELOOP),
            _ => fault,
        })
    }

    /// Moves a mount back to its old name. Where that fails, the mount is reported as left.
    fn moved_back(&self, source: &K::Fd, (from, to): (&Location, &Location), fault: Fault) -> Fault {
        let back = self.pin(from, FinalSymlink::Itself, 0).and_then(|place| self.move_onto(source, &place));
        match (back, self.mount_of_fd(source)) {
            (Err(_), Ok(mount)) => fault.leaving(Leftover::Mount { mount, at: to.for_display() }),
            (Err(_), Err(_)) => fault.leaving(Leftover::Attributes { at: to.for_display() }),
            (Ok(()), _) => fault,
        }
    }
}
