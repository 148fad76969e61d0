//! Attaching a detached mount, and the checks after it has become visible.

use std::mem::discriminant;

use mountwright_core::mount::OccupiedTarget;
use mountwright_core::{BindRequest, Errno, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::look_again::{MOST_LOOKS, MOST_LOOKS_AT_A_LEAVER};
use crate::mounting::rollback::Rollback;
use crate::mounting::standing::Standing;
use crate::mounting::target::{Named, Target};
use crate::mounting::wanted_propagation::{Change, WantedOfTree};
use crate::resolve::identity::{QUIETLY, kind, mount_key, mount_root};
use crate::syscalls::abi::{AT_SYMLINK_NOFOLLOW, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, O_PATH, S_IFLNK};
use crate::syscalls::failure::{Fault, Step, is_another_name, unless_gone};
use crate::syscalls::{At, Call, Kernel};

/// The steps after the attach.
#[derive(Debug)]
pub(crate) struct LastStep<'a, Fd> {
    pub(crate) wanted: WantedOfTree,
    /// True if no mount of the tree is a peer of its original.
    pub(crate) apart: bool,
    /// The source, pinned, where the tree is a slave copy of it.
    pub(crate) source: Option<&'a Fd>,
}

/// A tree that has been attached.
pub(crate) struct Attached<'a, Fd> {
    pub(crate) tree: &'a Fd,
    pub(crate) mount: MountKey,
    /// Its relations right after the attach, if the kernel was asked.
    pub(crate) standing: Option<Standing>,
    /// Mounts below this one with a larger unique id were attached later. `None`: ids do not show it.
    pub(crate) fence: Option<u64>,
}

impl<'a, Fd> Attached<'a, Fd> {
    pub(crate) fn new(tree: &'a Fd, mount: MountKey, recursion: Recursion) -> Self {
        let fence = match (mount, recursion) {
            // Nothing can be mounted on a detached copy of one mount.
            (MountKey::Unique(_), Recursion::This) => Some(0),
            _ => None,
        };
        Self { tree, mount, standing: None, fence }
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Returns the propagation of a new bind: a slave without a master is private, without an error of the kernel. `None`:
    /// the request leaves it to the kernel, or the mount is gone again.
    pub(crate) fn propagation_given(
        &self,
        request: &BindRequest,
        mount: MountKey,
        standing: Option<Standing>,
    ) -> Option<Propagation> {
        match WantedOfTree::of_bind(request).top.last()? {
            Propagation::Slave => {
                let standing = standing.or_else(|| self.standing(mount).ok())?;
                Some(if standing.master.is_some() { Propagation::Slave } else { Propagation::Private })
            }
            given => Some(given),
        }
    }

    /// Attaches `tree` to the target, checks that the target shows it, and sets its propagation. Returns its relations right
    /// after the attach where the kernel was asked.
    pub(crate) fn attach(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
    ) -> Step<Option<Standing>> {
        let attached = self.about_to_attach((tree, mount), target, last)?;
        self.calls
            .move_mount(tree, &target.file, "".as_ref(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
            .map_err(|fault| self.as_mount_says(fault, tree, target))?;
        self.finish(attached, target, last)
    }

    /// Prepares the attach of a tree: records the state that the later checks compare with.
    pub(crate) fn about_to_attach<'t>(
        &self,
        (tree, mount): (&'t K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
    ) -> Step<Attached<'t, K::Fd>> {
        let mut attached = Attached::new(tree, mount, last.wanted.recursion);
        if let Some(fence) = self.fence(target, last)? {
            attached.fence = Some(fence);
        }
        Ok(attached)
    }

    /// Checks the mount and sets its propagation, which a shared parent has just overwritten. A failure unmounts the
    /// tree.
    pub(crate) fn finish(
        &self,
        mut attached: Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
    ) -> Step<Option<Standing>> {
        attached.standing = self.look_at(&attached, target, last)?;
        self.settle(&attached, target, last)?;
        Ok(attached.standing)
    }

    /// Checks that the mount is on its target and visible. Returns its relations where the kernel was asked.
    pub(crate) fn look_at(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
    ) -> Step<Option<Standing>> {
        let mount = attached.mount;
        let looked = self.lies_on(target, mount).and_then(|seen| self.shows(target, mount).map(|()| seen));
        match looked {
            Err(fault) => self.undo(attached, target, last, fault).map(|()| None),
            seen => seen,
        }
    }

    /// Unmounts the tree after a failure. If another process has unmounted it already, the bind counts as done.
    fn undo(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
        fault: Fault,
    ) -> Step<()> {
        let (tree, mount) = (attached.tree, attached.mount);
        if last.apart && fault.errno() == Errno::EBUSY {
            self.wait_for_the_copies(mount, target);
        }
        match self.roll_back((tree, mount), target, last.apart) {
            // With the winner of the race, perhaps: the next attempt finds out.
            Rollback::UnmountedByAnother if fault.errno() == Errno::EBUSY => Err(fault.worth_another_attempt()),
            Rollback::UnmountedByAnother => self.unmounted_by_another(target, fault),
            done => Err(self.after_rollback(done, fault, (tree, mount), target)),
        }
    }

    /// Another process has unmounted the new mount: the bind counts as done if the target is as it was before, or is
    /// removed. If another mount is on the target by now, that one was attached first, or this one was unmounted with
    /// it.
    fn unmounted_by_another(&self, target: &Target<'_, K::Fd>, fault: Fault) -> Step<()> {
        let now = match self.stat_shown(target) {
            Err(gone) if matches!(gone.errno(), Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
            now => now,
        };
        let Ok(now) = now else { return Err(fault) };
        match target.occupied {
            _ if self.is_as_before(&now, target).unwrap_or(false) => Ok(()),
            OccupiedTarget::Refuse if mount_root(&now) == Some(true) => Err(Fault::new(Call::MoveMount, Errno::EBUSY)),
            _ => Err(fault),
        }
    }

    /// Waits until an unmount of this mount unmounts its copies too. If the mount lies on a mount of another bind in
    /// progress, that holds only while the other mount has its peers. The other caller leaves the peer group, finds
    /// this mount, and rejoins the group until this mount is gone: as long as it is outside, it is waited for longer.
    fn wait_for_the_copies(&self, mount: MountKey, target: &Target<'_, K::Fd>) {
        let Some(expected) = target.alone_on else { return };
        let (mut has_left, mut looks) = (false, 0);
        // An error: it is unmounted, or nothing can be known of it.
        let _ = self.look_as_often(MOST_LOOKS_AT_A_LEAVER, || {
            looks += 1;
            let (Some(below), own) = self.parent_and_standing(mount)? else { return Ok(Some(())) };
            let (parent, below) = self.parent_and_standing(below)?;
            let is_alone = !own.shared || parent != Some(expected);
            let has_returned = below.shared && (has_left || looks >= MOST_LOOKS);
            has_left |= !below.shared;
            Ok((is_alone || has_returned).then_some(()))
        });
    }

    /// Sets the propagation, as the last step: until then the copies at the parent's peers are whole, and are unmounted
    /// with the tree.
    pub(crate) fn settle(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        last: &LastStep<'_, K::Fd>,
    ) -> Step<()> {
        let wanted = last.wanted;
        let change = |changes: Vec<Change>| {
            changes
                .into_iter()
                .try_for_each(|(propagation, recursion)| self.propagate(attached.tree, propagation, recursion))
        };
        let settled = if matches!(target.occupied, OccupiedTarget::StackOn(_)) {
            change(wanted.when_unbindable())
        } else {
            let left = change(wanted.before_leaving()).and_then(|()| match wanted.leaving() {
                Some(leaving) => self.leave_peers(attached, target, (last, leaving)),
                None => Ok(None),
            });
            match left {
                Ok(None) => change(wanted.after_leaving()),
                Ok(Some(newcomer)) if last.apart => {
                    return Err(self.take_off_whole((attached.tree, attached.mount), target, newcomer.fault()));
                }
                Ok(Some(newcomer)) => Err(newcomer.fault()),
                Err(fault) => Err(fault),
            }
        };
        settled.or_else(|fault| self.undo(attached, target, last, fault))
    }

    /// `move_mount` has one errno for all mistakes; mount(2) says `ENOTDIR` where a directory and a file meet.
    pub(crate) fn as_mount_says(&self, fault: Fault, tree: &K::Fd, target: &Target<'_, K::Fd>) -> Fault {
        if fault.errno() != Errno::EINVAL {
            return fault;
        }
        match (self.sort_of(tree), self.sort_of(&target.file)) {
            (Ok(tree), Ok(target)) if tree != target => fault.saying(Errno::ENOTDIR),
            // A shared mount has refused an unbindable one.
            (Ok(_), Ok(_)) if matches!(target.occupied, OccupiedTarget::StackOn(_)) => fault.saying(Errno::EBUSY),
            _ => fault,
        }
    }

    /// Checks that no other mount was attached first, if the target must be unoccupied. The kernel attaches to the top
    /// of the stack: a lost race shows as another parent. Both mounts are pinned, so that their ids are not used again.
    fn lies_on(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<Option<Standing>> {
        let of_one_kind = |expected: &MountKey| discriminant(expected) == discriminant(&mount);
        let Some(expected) = target.alone_on.filter(of_one_kind) else { return Ok(None) };
        let (parent, standing) = self.parent_and_standing(mount)?;
        if parent == Some(expected) { Ok(Some(standing)) } else { Err(Fault::new(Call::MoveMount, Errno::EBUSY)) }
    }

    /// Checks that the target's name still shows the mount, where another process may have exchanged it.
    fn shows(&self, target: &Target<'_, K::Fd>, mount: MountKey) -> Step<()> {
        match &target.named {
            None => Ok(()),
            Some(named) => self.name_shows(named, mount),
        }
    }

    /// `ELOOP` or `ESTALE` where a name does not lead to a mount, nor to another one that covers it.
    pub(crate) fn name_shows(&self, named: &Named<'_, K::Fd>, mount: MountKey) -> Step<()> {
        self.look_again(|| {
            let (kind, seen) = self.shown_by(named)?;
            match seen {
                // Before 5.8 statx reports no mount id.
                None => Ok(Some(())),
                Some(seen) if seen == mount => Ok(Some(())),
                Some(seen) => match unless_gone(self.covers(seen, mount))? {
                    // A cover that was unmounted between the two calls, perhaps by the loser of a race.
                    None => Ok(None),
                    // Another mount covers it: it is at its target.
                    Some(true) => Ok(Some(())),
                    Some(false) if kind == S_IFLNK => Err(Fault::new(Call::Statx, Errno::ELOOP)),
                    Some(false) => Err(Fault::new(Call::Statx, Errno::ESTALE)),
                },
            }
        })?
        .ok_or(Fault::new(Call::Statx, Errno::ESTALE))
    }

    /// The kind of the file that a name leads to, and its mount where the kernel reports it. `ESTALE`: the path in a root
    /// leads nowhere any longer.
    fn shown_by(&self, named: &Named<'_, K::Fd>) -> Step<(u32, Option<MountKey>)> {
        match named {
            Named::Beneath(parent, name) => {
                let flags = AT_SYMLINK_NOFOLLOW | QUIETLY;
                let stat = self.calls.statx(At::Fd(&**parent), name.as_ref(), flags, self.identity_mask())?;
                Ok((kind(&stat), mount_key(&stat)))
            }
            Named::InRoot(root, path) => match self.in_root(root, path, O_PATH) {
                Ok(file) => self.kind_and_mount_of_fd(&file).map(|(kind, mount)| (kind, Some(mount))),
                Err(fault) if is_another_name(fault.errno()) => Err(fault.saying(Errno::ESTALE)),
                Err(fault) => Err(fault),
            },
        }
    }
}
