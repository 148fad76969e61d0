//! Rolling back an attach, and nothing else.

use mountwright_core::error::Leftover;
use mountwright_core::mount::{MountId, UniqueMountId};
use mountwright_core::{Errno, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::attach::Attached;
use crate::mounting::target::Target;
use crate::resolve::identity::mount_key;
use crate::syscalls::abi::MNT_DETACH;
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Kernel, Reach};

/// The highest number of stacked mounts that are examined.
const MOST_COVERS: usize = 64;

impl<K: Kernel> LinuxBackend<K> {
    /// Unmounts what this call has attached, by the descriptor of the mount, whatever its name is now. The unmount is
    /// lazy, because the descriptor is a user of the mount. A mount that cannot be unmounted is added to the failure.
    ///
    /// * umount2 takes the top of a stack. If another process has mounted something over this mount, both stay; a cover
    ///   that disappears at once was that of a race's loser.
    /// * An unmount propagates to the parent's peers, and a copy of a shared mount is a peer of its source. A tree that
    ///   is not `apart` from its source is made private first: the source would lose its mounts.
    pub(crate) fn take_off(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        apart: bool,
        fault: Fault,
    ) -> Fault {
        let uncovered = match mount {
            MountKey::Unique(_) => {
                let uncovered = self.look_again(|| Ok((!self.is_covered(target, mount)?).then_some(())));
                matches!(uncovered, Ok(Some(())))
            }
            // Each check would read the mount table, and before 6.8 a loser does not unmount its mount.
            MountKey::Reused(_) => matches!(self.is_covered(target, mount), Ok(false)),
        };
        let unmounted = uncovered
            && (apart || self.propagate(tree, Propagation::Private, Recursion::Tree).is_ok())
            && self.unmount_until_gone((tree, mount), || self.is_covered(target, mount).unwrap_or(true));
        if unmounted { fault } else { fault.leaving(Leftover::Mount { mount, at: target.shown() }) }
    }

    /// Unmounts the tree with all mounts that arrived while it was shared with the copies at its parent's peers. As
    /// long as it is shared, the copies are unmounted with it.
    pub(crate) fn take_off_whole(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        fault: Fault,
    ) -> Fault {
        let mount = attached.mount;
        let unmounted = self.unmount_until_gone((attached.tree, mount), || false);
        if unmounted { fault } else { fault.leaving(Leftover::Mount { mount, at: target.shown() }) }
    }

    /// Unmounts the top of a mount's stack until the mount is gone, or until it has to stop.
    fn unmount_until_gone(&self, (tree, mount): (&K::Fd, MountKey), stop: impl Fn() -> bool) -> bool {
        // No other mount has its id while a descriptor of it is open.
        let is_gone = || self.is_gone(mount);
        for _ in 0..MOST_COVERS {
            match self.calls.umount2(Reach::Descriptor(tree), MNT_DETACH) {
                Ok(()) => match is_gone() {
                    Ok(true) => return true,
                    // A mount that was put over it in this very moment was unmounted instead.
                    Ok(false) if !stop() => {}
                    Ok(false) | Err(_) => return false,
                },
                Err(fault) => {
                    let unmounted_by_another = fault.errno() == Errno::EINVAL && matches!(mount, MountKey::Unique(_));
                    return unmounted_by_another && is_gone().unwrap_or(false);
                }
            }
        }
        false
    }

    /// Returns true if another mount covers this one; an error if that cannot be found out.
    fn is_covered(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<bool> {
        let shown = match self.stat_shown(target) {
            // The target has another name now.
            Err(fault) if matches!(fault.errno(), Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(false),
            shown => shown?,
        };
        match mount_key(&shown) {
            Some(seen) if seen != mount => self.covers(seen, mount),
            _ => Ok(false),
        }
    }

    /// Returns true if `seen` is mounted on `mount`, directly or with others in between.
    pub(crate) fn covers(&self, seen: MountKey, mount: MountKey) -> Step<bool> {
        match (seen, mount) {
            (MountKey::Unique(seen), MountKey::Unique(mount)) => self.has_ancestor(seen, mount),
            // statx does not report the unique id of a mount whose server refuses this user.
            (seen, mount) => match (self.classic_id(seen), self.classic_id(mount)) {
                (Ok(seen), Ok(mount)) => self.has_ancestor_in_table(seen, mount),
                // Unmounted in between.
                (Err(fault), _) | (_, Err(fault)) if fault.errno() == Errno::ENOENT => Ok(false),
                (Err(fault), _) | (_, Err(fault)) => Err(fault),
            },
        }
    }

    fn classic_id(&self, mount: MountKey) -> Step<MountId> {
        match mount {
            MountKey::Reused(id) => Ok(id),
            MountKey::Unique(id) => self.relations(id).map(|found| MountId(found.old_id)),
        }
    }

    fn has_ancestor(&self, mut mount: UniqueMountId, ancestor: UniqueMountId) -> Step<bool> {
        for _ in 0..MOST_COVERS {
            let parent = match self.relations(mount) {
                // Unmounted in between.
                Err(fault) if fault.errno() == Errno::ENOENT => return Ok(false),
                found => found?.parent.try_into().ok().map(UniqueMountId),
            };
            match parent {
                Some(parent) if parent == ancestor => return Ok(true),
                Some(parent) if parent != mount => mount = parent,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    fn has_ancestor_in_table(&self, mut mount: MountId, ancestor: MountId) -> Step<bool> {
        let table = self.table()?;
        for _ in 0..MOST_COVERS {
            match table.by_id(mount).map(|row| row.parent()) {
                Some(parent) if parent == ancestor => return Ok(true),
                Some(parent) if parent != mount => mount = parent,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }
}
