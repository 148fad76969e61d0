//! Leaving the peer group that a shared parent has given to a new mount.
//!
//! The kernel makes every mount of a tree shared that is attached below a shared mount: its peers are the copies at the
//! parent's peers. Until the tree has left them, mounts on a copy propagate to it. So the tree leaves its peers, and
//! then the backend checks for mounts that arrived before: such a bind is rolled back.

use mountwright_core::{Errno, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::mounting::attach::{Attached, LastStep};
use crate::mounting::look_again::MOST_LOOKS_AT_A_COVER;
use crate::mounting::missed::Received;
use crate::mounting::newcomers::Newcomer;
use crate::mounting::standing::Member;
use crate::mounting::target::Target;
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::syscalls::abi::{AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};

/// The highest number of times that a mount leaves its peers. Each but the last was disturbed by a late bind.
const MOST_ROUNDS: usize = 16;

impl<K: Kernel> LinuxBackend<K> {
    /// Makes a mount private, or a slave of its source, if it is a peer of the copies at its parent's peers. Returns a
    /// mount that arrived on it before; the mount is then in its peer group again, if the kernel supports that.
    pub(crate) fn leave_peers(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        (last, leaving): (&LastStep<'_, K::Fd>, Recursion),
    ) -> Step<Option<Newcomer>> {
        let standing = match attached.standing {
            Some(standing) => standing,
            None => self.standing(attached.mount)?,
        };
        if !standing.shared {
            return Ok(None);
        }
        let wanted = last.wanted;
        if !wanted.has_slaves() {
            return self.leave(attached, target, (wanted, leaving, None), || Ok(()));
        }
        let members = match leaving {
            Recursion::This => vec![Member::top(standing.master)],
            Recursion::Tree => self.slaves(attached, wanted)?,
        };
        match last.source {
            _ if members.iter().all(|member| member.master.is_none()) => {
                self.leave(attached, target, (wanted, leaving, None), || Ok(()))
            }
            Some(source) if self.uses(Call::SetGroup) => {
                let second = self.slave_copy(source, wanted.recursion)?;
                // While the copies can still be unmounted: checks that each mount can be reached.
                for member in members.iter().filter(|member| member.master.is_some()) {
                    self.pair(attached.tree, &second, member)?;
                }
                let join = || self.join(attached.tree, &second, &members);
                self.leave(attached, target, (wanted, leaving, Some(source)), join)
            }
            _ => self.follow(attached, target, (&members, wanted, leaving)),
        }
    }

    /// The mounts of a tree that are to be slaves of their sources.
    fn slaves(&self, attached: &Attached<'_, K::Fd>, wanted: WantedOfTree) -> Step<Vec<Member>> {
        let mut members = self.members(attached.tree, attached.mount, Recursion::Tree)?;
        members.retain(|member| if member.id.is_none() { wanted.top.is_slave() } else { wanted.below.is_slave() });
        Ok(members)
    }

    /// Makes the tree private and lets it `join` at once: events of its source in between do not reach it. For one mount
    /// they are then taken from the copies too, where the kernel lists them; a tree has missed them.
    fn leave(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        (wanted, recursion, source): (WantedOfTree, Recursion, Option<&K::Fd>),
        join: impl Fn() -> Step<()>,
    ) -> Step<Option<Newcomer>> {
        let private = || self.propagate(attached.tree, Propagation::Private, recursion);
        let leave = || private().and_then(|()| join());
        if matches!(attached.mount, MountKey::Unique(_)) && attached.fence.is_none() && self.uses(Call::Listmount) {
            return leave().map(|()| None);
        }
        // A peer keeps the group, so that the mount can return to it: the copies can be unmounted only from there.
        let can_return = self.uses(Call::SetGroup) && self.uses(Call::OpenTree);
        let group = can_return.then(|| self.peer_of(attached.tree, recursion)).transpose()?;
        let source = source.filter(|_| wanted.recursion == Recursion::This && group.is_some());
        let mut received = source.map(|source| self.received(source)).transpose()?.flatten();
        for round in 0..MOST_ROUNDS {
            // A mount that cannot return must not leave too early.
            if round > 0 || group.is_none() {
                let newcomer = self.newcomer_that_stays(attached, target, wanted.recursion)?;
                if newcomer.is_some() {
                    return Ok(newcomer);
                }
            }
            let looked = leave().and_then(|()| {
                let covers = self.cover(&self.missed(attached, received.as_mut())?)?;
                Ok((self.newcomer(attached, target, wanted.recursion)?.is_none() && covers.is_empty(), covers))
            });
            let (is_undisturbed, covers) = match looked {
                Ok(looked) => looked,
                // The bind is rolled back; copies that cannot be unmounted with it stay.
                Err(fault) => {
                    let _ = self.return_to_peers(attached, group.as_ref(), recursion);
                    return Err(fault);
                }
            };
            if is_undisturbed {
                return Ok(None);
            }
            self.return_whole(attached, (group.as_ref(), recursion), received.as_mut(), covers)?;
        }
        Ok(Some(Newcomer::Cover))
    }

    /// Returns a mount to its peers, and unmounts from them what the mount itself has missed.
    fn return_whole(
        &self,
        attached: &Attached<'_, K::Fd>,
        (group, recursion): (Option<&K::Fd>, Recursion),
        mut received: Option<&mut Received>,
        mut covers: Vec<K::Fd>,
    ) -> Step<()> {
        for _ in 0..MOST_ROUNDS {
            self.return_to_peers(attached, group, recursion)?;
            self.uncover(&covers);
            let missed = self.missed(attached, received.as_deref_mut())?;
            if missed.is_empty() {
                return Ok(());
            }
            self.propagate(attached.tree, Propagation::Private, recursion)?;
            covers = self.cover(&missed)?;
        }
        self.return_to_peers(attached, group, recursion)
    }

    /// Returns each mount of a tree to its former peer group, by a copy that kept the group: the copies at the parent's
    /// peers can be unmounted only from there.
    fn return_to_peers(&self, attached: &Attached<'_, K::Fd>, group: Option<&K::Fd>, recursion: Recursion) -> Step<()> {
        let Some(group) = group else { return Ok(()) };
        let members = match recursion {
            Recursion::This => vec![Member::top(None)],
            Recursion::Tree => self.members(attached.tree, attached.mount, recursion)?,
        };
        self.propagate(attached.tree, Propagation::Private, recursion)?;
        members.iter().try_for_each(|member| self.join_counterpart(attached.tree, group, member))
    }

    /// Waits for a late bind that is about to unmount its mount again.
    fn newcomer_that_stays(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        recursion: Recursion,
    ) -> Step<Option<Newcomer>> {
        let mut seen = None;
        self.look_as_often(MOST_LOOKS_AT_A_COVER, || {
            seen = self.newcomer(attached, target, recursion)?;
            Ok((seen != Some(Newcomer::Cover)).then_some(()))
        })?;
        Ok(seen)
    }

    /// Returns a detached copy of an attached tree: its peer.
    pub(crate) fn peer_of(&self, tree: &K::Fd, recursion: Recursion) -> Step<K::Fd> {
        let flags = AT_EMPTY_PATH | recursive(recursion, AT_RECURSIVE) | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        self.calls.open_tree(At::Fd(tree), "".as_ref(), flags)
    }

    /// Returns a unique id that is larger than those of the tree, before the tree is attached below a shared mount.
    ///
    /// A slave tree that could not join its masters is refused here: once its mounts have left their peers, an unmount
    /// no longer reaches the copies.
    pub(crate) fn fence(&self, target: &Target<'_, K::Fd>, last: &LastStep<'_, K::Fd>) -> Step<Option<u64>> {
        if last.wanted.recursion == Recursion::This || last.wanted.leaving().is_none() {
            return Ok(None);
        }
        let joins = last.source.is_some() && self.uses(Call::SetGroup);
        if last.wanted.has_slaves() && !joins && self.has_peers(&target.file)? {
            return Err(Fault::new(Call::SetGroup, Errno::EOPNOTSUPP));
        }
        match self.mount_of_fd(&target.file)? {
            MountKey::Unique(parent) if self.uses(Call::Listmount) && self.relations(parent)?.peer_group != 0 => {
                self.newest_id(&target.file)
            }
            _ => Ok(None),
        }
    }

    /// Returns the id of a mount that is made for this, of a file: any mount with a larger one was made later. `None`: this kernel
    /// lists no mounts by their ids.
    pub(crate) fn newest_id(&self, file: &K::Fd) -> Step<Option<u64>> {
        if !self.uses(Call::Listmount) || !self.uses(Call::OpenTree) {
            return Ok(None);
        }
        match self.mount_of_fd(&self.peer_of(file, Recursion::This)?)? {
            MountKey::Unique(id) => Ok(Some(id.0.get())),
            MountKey::Reused(_) => Ok(None),
        }
    }

    /// Joins each private mount of a tree to the master that it had, by a second slave copy of the same source.
    fn join(&self, tree: &K::Fd, second: &K::Fd, members: &[Member]) -> Step<()> {
        let mut slaves = members.iter().filter(|member| member.master.is_some());
        slaves.try_for_each(|member| self.join_counterpart(tree, second, member))
    }

    /// Joins one private mount of a tree to the groups of the same mount in a second copy.
    fn join_counterpart(&self, tree: &K::Fd, second: &K::Fd, member: &Member) -> Step<()> {
        match self.pair(tree, second, member)? {
            Some((mount, counterpart)) => self.calls.set_group(&counterpart, &mount),
            None => self.calls.set_group(second, tree),
        }
    }

    /// A mount of a tree and the same one in the second copy; `None` for the top.
    fn pair(&self, tree: &K::Fd, second: &K::Fd, member: &Member) -> Step<Option<(K::Fd, K::Fd)>> {
        let Some(id) = member.id else { return Ok(None) };
        Ok(Some((self.reach_in_tree(tree, &member.path, id)?, self.mount_in_tree(second, &member.path)?)))
    }

    /// Before 5.15: makes the tree a slave and checks that its masters are those of the source. Where the parent has peers
    /// they are the copies instead: `EOPNOTSUPP`.
    fn follow(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        (members, wanted, leaving): (&[Member], WantedOfTree, Recursion),
    ) -> Step<Option<Newcomer>> {
        self.propagate(attached.tree, Propagation::Slave, leaving)?;
        if let Some(newcomer) = self.newcomer(attached, target, wanted.recursion)? {
            return Ok(Some(newcomer));
        }
        let followed = match leaving {
            Recursion::This => self.members(attached.tree, attached.mount, leaving)?,
            Recursion::Tree => self.slaves(attached, wanted)?,
        };
        if followed == members { Ok(None) } else { Err(Fault::new(Call::MountSetattr, Errno::EOPNOTSUPP)) }
    }
}
