//! Rolling back an attach, and nothing else.

use mountwright_core::error::Leftover;
use mountwright_core::mount::{MountId, UniqueMountId};
use mountwright_core::{Errno, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::find_new_mount::same_file;
use crate::mounting::look_again::MOST_LOOKS_AT_A_COVER;
use crate::mounting::target::Target;
use crate::resolve::identity::mount_key;
use crate::syscalls::abi::{MNT_DETACH, STATX_MNT_ID};
use crate::syscalls::failure::{Fault, Step, is_another_name, unless_gone};
use crate::syscalls::{Call, Kernel, Reach, Stat};

/// The highest number of stacked mounts that are examined.
const MOST_COVERS: usize = 64;

/// Result of a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rollback {
    Unmounted,
    /// The kernel refuses the unmount, and the mount is in no mount table.
    UnmountedByAnother,
    /// It stays, or nothing proves that it is gone.
    Stays,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Adds a mount that stays to the failure, unless another process has unmounted it since: it counts as gone only if
    /// two looks report that, by statmount and in the mount table, or before 6.8 both in the mount table.
    pub(crate) fn after_rollback(
        &self,
        done: Rollback,
        fault: Fault,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
    ) -> Fault {
        let is_gone = || self.is_gone(mount).unwrap_or(false) && self.is_in_no_table(tree).unwrap_or(false);
        if done == Rollback::Stays && !is_gone() {
            return fault.leaving(Leftover::Mount { mount, at: target.shown() });
        }
        fault
    }

    /// No other mount has the id of this one while a descriptor of it is open.
    fn is_in_no_table(&self, tree: &K::Fd) -> Step<bool> {
        match mount_key(&self.stat_fd(tree, STATX_MNT_ID)?) {
            Some(MountKey::Reused(id)) => Ok(self.table()?.by_id(id).is_none()),
            _ => Ok(false),
        }
    }

    /// Unmounts what this call has attached. A mount that stays is added to the failure.
    pub(crate) fn take_off(
        &self,
        tree: (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        apart: bool,
        fault: Fault,
    ) -> Fault {
        let done = self.roll_back(tree, target, apart);
        self.after_rollback(done, fault, tree, target)
    }

    /// Unmounts what this call has attached, by the descriptor of the mount, whatever its name is now. The unmount is
    /// lazy, because the descriptor is a user of the mount.
    ///
    /// * umount2 takes the top of a stack. If another process has mounted something over this mount, both stay; a cover
    ///   that disappears at once was that of a race's loser. The cover is looked for before each unmount.
    /// * An unmount propagates to the parent's peers, and a copy of a shared mount is a peer of its source. A tree that
    ///   is not `apart` from its source is made private first: the source would lose its mounts.
    pub(crate) fn roll_back(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        apart: bool,
    ) -> Rollback {
        self.unmount_until_gone((tree, mount), target, || {
            let is_uncovered = self.is_uncovered(target, mount);
            // The kernel changes no mount that another process has unmounted, with a tree above it.
            match (is_uncovered, apart) {
                (false, _) => self.propagate(tree, Propagation::Private, Recursion::This)?,
                (true, false) => self.propagate(tree, Propagation::Private, Recursion::Tree)?,
                (true, true) => {}
            }
            Ok(is_uncovered)
        })
    }

    /// Unmounts the tree with all mounts that arrived while it was shared with the copies at its parent's peers. As
    /// long as it is shared, the copies are unmounted with it.
    pub(crate) fn take_off_whole(&self, tree: (&K::Fd, MountKey), target: &Target<'_, K::Fd>, fault: Fault) -> Fault {
        let done = self.unmount_until_gone(tree, target, || Ok(true));
        self.after_rollback(done, fault, tree, target)
    }

    /// Unmounts the top of a mount's stack until the mount is gone, as long as `may_unmount` returns true.
    fn unmount_until_gone(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        may_unmount: impl Fn() -> Step<bool>,
    ) -> Rollback {
        for _ in 0..MOST_COVERS {
            let unmount = || self.calls.umount2(Reach::Descriptor(tree), MNT_DETACH);
            match may_unmount().and_then(|may| if may { unmount().map(|()| true) } else { Ok(false) }) {
                Ok(true) => {}
                Ok(false) => return Rollback::Stays,
                Err(fault) => return self.after_refusal(mount, &fault),
            }
            // No other mount has its id while a descriptor of it is open.
            match self.is_gone(mount) {
                Ok(true) => return Rollback::Unmounted,
                // A mount that was put over it in this very moment was unmounted instead.
                Ok(false) => {}
                Err(_) if self.shows_as_before(target) => return Rollback::Unmounted,
                Err(_) => return Rollback::Stays,
            }
        }
        Rollback::Stays
    }

    /// The kernel has refused a call for a mount by its descriptor: `EINVAL`, if another process has unmounted it.
    fn after_refusal(&self, mount: MountKey, fault: &Fault) -> Rollback {
        if fault.errno() == Errno::EINVAL && self.is_gone(mount).unwrap_or(false) {
            Rollback::UnmountedByAnother
        } else {
            Rollback::Stays
        }
    }

    /// Returns true if the target's name certainly shows what it showed before the attach.
    fn shows_as_before(&self, target: &Target<'_, K::Fd>) -> bool {
        self.stat_shown(target).and_then(|now| self.is_as_before(&now, target)).unwrap_or(false)
    }

    /// Returns true if this is the target's file on the mount that it was on before the attach: nothing is mounted on
    /// it.
    pub(crate) fn is_as_before(&self, now: &Stat, target: &Target<'_, K::Fd>) -> Step<bool> {
        let before = self.stat_fd(&target.file, self.file_and_mount())?;
        // Before 5.8 statx reports no mount id.
        let same_mount = mount_key(now).is_some_and(|mount| Some(mount) == mount_key(&before));
        Ok(same_mount && same_file(&before, now))
    }

    /// Returns true if certainly no other mount covers this one. Waits for the end of a cover that the loser of a race
    /// may have mounted.
    fn is_uncovered(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> bool {
        let uncovered = self.look_as_often(MOST_LOOKS_AT_A_COVER, || match self.is_covered(target, mount) {
            Ok(false) => Ok(Some(true)),
            // Each check would read the mount table, and before 6.8 a loser does not unmount its mount.
            Ok(true) if matches!(mount, MountKey::Reused(_)) => Ok(Some(false)),
            covered => unless_gone(covered).map(|_| None),
        });
        matches!(uncovered, Ok(Some(true)))
    }

    /// Returns true if another mount covers this one; an error if that cannot be found out.
    fn is_covered(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<bool> {
        let shown = match self.stat_shown(target) {
            // The target has another name now.
            Err(fault) if is_another_name(fault.errno()) => return Ok(false),
            shown => shown?,
        };
        match mount_key(&shown) {
            Some(seen) if seen != mount => self.covers(seen, mount),
            _ => Ok(false),
        }
    }

    /// Returns true if `seen` is mounted on `mount`, directly or with others in between. `ENOENT`: one of them was
    /// unmounted in between.
    pub(crate) fn covers(&self, seen: MountKey, mount: MountKey) -> Step<bool> {
        match (seen, mount) {
            (MountKey::Unique(seen), MountKey::Unique(mount)) => self.has_ancestor(seen, mount),
            // statx does not report the unique id of a mount whose server refuses this user.
            (seen, mount) => self.has_ancestor_in_table(self.classic_id(seen)?, self.classic_id(mount)?),
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
            match self.relations(mount)?.parent.try_into().ok().map(UniqueMountId) {
                Some(parent) if parent == ancestor => return Ok(true),
                Some(parent) if parent != mount => mount = parent,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }

    fn has_ancestor_in_table(&self, mut mount: MountId, ancestor: MountId) -> Step<bool> {
        let table = self.table()?;
        table.by_id(mount).ok_or(Fault::new(Call::Mountinfo, Errno::ENOENT))?;
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
