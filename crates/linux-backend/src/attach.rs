//! Attaching a detached mount, the moment in which it comes to be seen, and taking it off again if what follows fails.

use std::path::Path;

use mountwright_core::{Errno, Leftover, MountKey, Propagation, Recursion};

use crate::LinuxBackend;
use crate::abi::{AT_SYMLINK_NOFOLLOW, MNT_DETACH, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, S_IFLNK};
use crate::fault::{Fault, Step};
use crate::identity::{QUIETLY, kind, mount_key};
use crate::kernel::{At, Call, Kernel, Reach};
use crate::target::Target;

impl<K: Kernel> LinuxBackend<K> {
    /// Attaches `tree` to the target, gives it its propagation and makes sure that the target's name shows it.
    pub(crate) fn attach(
        &self,
        tree: &K::Fd,
        target: &Target<K::Fd>,
        propagation: Option<(Propagation, Recursion)>,
        shown: &Path,
    ) -> Step<MountKey> {
        let mount = self.mount_of_fd(tree)?;
        self.calls
            .move_mount(tree, &target.file, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
            .map_err(|fault| self.as_mount_says(fault, tree, &target.file))?;
        self.finish(tree, target, propagation, mount).map_err(|fault| self.take_off(tree, fault, mount, shown))?;
        Ok(mount)
    }

    /// What follows the moment in which a mount comes to be seen: its propagation, which a shared parent has just
    /// overwritten, and a look whether the target's name leads to it.
    pub(crate) fn finish(
        &self,
        tree: &K::Fd,
        target: &Target<K::Fd>,
        propagation: Option<(Propagation, Recursion)>,
        mount: MountKey,
    ) -> Step<()> {
        if let Some((propagation, recursion)) = propagation {
            self.propagate(tree, propagation, recursion)?;
        }
        self.shows(target, mount)
    }

    /// `move_mount` has one errno for all mistakes; mount(2) says `ENOTDIR` where a directory and a file meet.
    pub(crate) fn as_mount_says(&self, fault: Fault, tree: &K::Fd, target: &K::Fd) -> Fault {
        if fault.errno() != Errno::EINVAL {
            return fault;
        }
        match (self.sort_of(tree), self.sort_of(target)) {
            (Ok(tree), Ok(target)) if tree != target => fault.saying(Errno::ENOTDIR),
            _ => fault,
        }
    }

    /// Below a root: that the target's name still leads to what was mounted. Somebody may have exchanged it.
    fn shows(&self, target: &Target<K::Fd>, mount: MountKey) -> Step<()> {
        let Some((parent, name)) = &target.named else { return Ok(()) };
        let stat =
            self.calls.statx(At::Fd(parent), name.as_ref(), AT_SYMLINK_NOFOLLOW | QUIETLY, self.identity_mask())?;
        match mount_key(&stat) {
            // Before 5.8 the answer does not tell.
            None => Ok(()),
            Some(seen) if seen == mount => Ok(()),
            Some(_) if kind(&stat) == S_IFLNK => Err(Fault::new(Call::Statx, Errno::ELOOP)),
            Some(_) => Err(Fault::new(Call::Statx, Errno::ESTALE)),
        }
    }

    /// Takes a mount off that this call has attached, by the descriptor of the mount itself, whatever its name is now.
    /// Lazily, since the descriptor is a user of it.
    pub(crate) fn take_off(&self, tree: &K::Fd, fault: Fault, mount: MountKey, shown: &Path) -> Fault {
        match self.calls.umount2(Reach::Descriptor(tree), MNT_DETACH) {
            Ok(()) => fault,
            Err(_) => fault.leaving(Leftover::Mount { mount, at: shown.to_path_buf() }),
        }
    }
}
