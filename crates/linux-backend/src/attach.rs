//! Attaching a detached mount, the moment in which it comes to be seen, and what has to hold after it.

use mountwright_core::{Errno, MountKey, Propagation, Recursion};

use crate::LinuxBackend;
use crate::abi::{AT_SYMLINK_NOFOLLOW, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, MS_PRIVATE, S_IFLNK};
use crate::fault::{Fault, Step};
use crate::identity::{QUIETLY, kind, mount_key};
use crate::kernel::{At, Call, Kernel};
use crate::target::Target;

/// What is done to a tree after it has been attached, and what has to be known to take it off again.
#[derive(Clone, Copy)]
pub(crate) struct LastStep {
    pub(crate) propagation: Option<Propagation>,
    pub(crate) recursion: Recursion,
    /// True where every mount of the tree was private before it was attached: none is a peer of the one that it is a copy of.
    pub(crate) apart: bool,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Attaches `tree` to the target, makes sure that it is there and seen, and gives it its propagation.
    pub(crate) fn attach(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        last: LastStep,
    ) -> Step<()> {
        self.calls
            .move_mount(tree, &target.file, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
            .map_err(|fault| self.as_mount_says(fault, tree, &target.file))?;
        self.finish(tree, target, last, mount)
    }

    /// What follows the moment in which a mount comes to be seen: a look whether it is where it should be, and its
    /// propagation, which a shared parent has just overwritten. What fails here takes the mount off again.
    pub(crate) fn finish(&self, tree: &K::Fd, target: &Target<'_, K::Fd>, last: LastStep, mount: MountKey) -> Step<()> {
        let seen = self.look_at(tree, target, last, mount)?;
        // A shared parent makes all of a tree shared, and any other leaves it as it was.
        if last.propagation == Some(Propagation::Private) && last.apart && seen == Some(MS_PRIVATE.into()) {
            return Ok(());
        }
        self.settle(tree, target, last, mount)
    }

    /// Whether it is where it should be, and seen. Answers with its propagation where the kernel was asked.
    pub(crate) fn look_at(
        &self,
        tree: &K::Fd,
        target: &Target<'_, K::Fd>,
        last: LastStep,
        mount: MountKey,
    ) -> Step<Option<u64>> {
        let looked = self.lies_on(target, mount).and_then(|seen| self.shows(target, mount).map(|()| seen));
        looked.map_err(|fault| self.take_off((tree, mount), target, last.apart, fault))
    }

    /// Its propagation. Last: until here the tree is as a whole in the copies at the parent's peers, and goes from there
    /// with it.
    pub(crate) fn settle(&self, tree: &K::Fd, target: &Target<'_, K::Fd>, last: LastStep, mount: MountKey) -> Step<()> {
        let settled = last.propagation.map_or(Ok(()), |propagation| self.propagate(tree, propagation, last.recursion));
        settled.map_err(|fault| self.take_off((tree, mount), target, last.apart, fault))
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

    /// Where nothing else may be mounted on the target: that nobody was faster. The kernel attaches to the top of what is
    /// there by then, so that the later of two lies on the earlier. Only unique ids tell (6.8).
    ///
    /// Answers with the mount's propagation where the kernel was asked.
    fn lies_on(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<Option<u64>> {
        let (Some(MountKey::Unique(expected)), MountKey::Unique(mount)) = (target.alone_on, mount) else {
            return Ok(None);
        };
        let found = self.relations(mount)?;
        if found.parent != expected.0.get() {
            return Err(Fault::new(Call::MoveMount, Errno::EBUSY));
        }
        Ok(Some(found.propagation))
    }

    /// Below a root: that the target's name still leads to what was mounted. Somebody may have exchanged it.
    fn shows(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<()> {
        let Some((parent, name)) = &target.named else { return Ok(()) };
        let stat =
            self.calls.statx(At::Fd(parent), name.as_ref(), AT_SYMLINK_NOFOLLOW | QUIETLY, self.identity_mask())?;
        match mount_key(&stat) {
            // Before 5.8 the answer does not tell.
            None => Ok(()),
            Some(seen) if seen == mount => Ok(()),
            // Somebody has mounted on it since: it is where it should be.
            Some(seen) if self.covers(seen, mount) => Ok(()),
            Some(_) if kind(&stat) == S_IFLNK => Err(Fault::new(Call::Statx, Errno::ELOOP)),
            Some(_) => Err(Fault::new(Call::Statx, Errno::ESTALE)),
        }
    }
}
