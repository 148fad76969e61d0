//! Peer groups, masters and slaves: the lists, and changes of a mount's type.

use crate::model::keys::MountKey;
use crate::model::machine::Machine;

/// The new propagation type of a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PropagationType {
    Shared,
    Private,
    Slave,
    Unbindable,
}

impl PropagationType {
    /// Exactly one of `MS_SHARED`, `MS_PRIVATE`, `MS_SLAVE`, `MS_UNBINDABLE`.
    pub(crate) const fn from_flags(flags: u64) -> Option<Self> {
        match flags {
            crate::abi::MS_SHARED => Some(Self::Shared),
            crate::abi::MS_PRIVATE => Some(Self::Private),
            crate::abi::MS_SLAVE => Some(Self::Slave),
            crate::abi::MS_UNBINDABLE => Some(Self::Unbindable),
            _ => None,
        }
    }
}

impl Machine {
    pub(crate) fn are_peers(&self, one: MountKey, other: MountKey) -> bool {
        let group = self.mounts[one].group;
        group != 0 && group == self.mounts[other].group
    }

    /// The ring of peers, beginning with the mount itself.
    pub(crate) fn peers(&self, mount: MountKey) -> impl Iterator<Item = MountKey> {
        let mut next = Some(mount);
        std::iter::from_fn(move || {
            let at = next?;
            let after = self.mounts[at].next_peer;
            next = (after != mount).then_some(after);
            Some(at)
        })
    }

    /// Slaves of this very mount, in the order of their events.
    pub(crate) fn slaves(&self, mount: MountKey) -> impl Iterator<Item = MountKey> {
        std::iter::successors(self.mounts[mount].first_slave, |&slave| self.mounts[slave].next_slave)
    }

    pub(crate) fn join_peers(&mut self, mount: MountKey, behind: MountKey) {
        let next = self.mounts[behind].next_peer;
        self.mounts[mount].previous_peer = behind;
        self.mounts[mount].next_peer = next;
        self.mounts[behind].next_peer = mount;
        self.mounts[next].previous_peer = mount;
    }

    fn leave_peers(&mut self, mount: MountKey) {
        let (previous, next) = (self.mounts[mount].previous_peer, self.mounts[mount].next_peer);
        self.mounts[previous].next_peer = next;
        self.mounts[next].previous_peer = previous;
        let object = &mut self.mounts[mount];
        object.previous_peer = mount;
        object.next_peer = mount;
    }

    /// Makes it the first of the master's slaves.
    pub(crate) fn become_first_slave(&mut self, mount: MountKey, master: MountKey) {
        let first = self.mounts[master].first_slave.replace(mount);
        if let Some(first) = first {
            self.mounts[first].previous_slave = Some(mount);
        }
        let object = &mut self.mounts[mount];
        object.master = Some(master);
        object.previous_slave = None;
        object.next_slave = first;
    }

    /// Makes it a slave of the same master, next after `brother`.
    pub(crate) fn become_slave_behind(&mut self, mount: MountKey, brother: MountKey) {
        let next = self.mounts[brother].next_slave.replace(mount);
        if let Some(next) = next {
            self.mounts[next].previous_slave = Some(mount);
        }
        let master = self.mounts[brother].master;
        let object = &mut self.mounts[mount];
        object.master = master;
        object.previous_slave = Some(brother);
        object.next_slave = next;
    }

    fn leave_master(&mut self, mount: MountKey) {
        let object = &mut self.mounts[mount];
        let Some(master) = object.master.take() else { return };
        let (previous, next) = (object.previous_slave.take(), object.next_slave.take());
        match previous {
            Some(previous) => self.mounts[previous].next_slave = next,
            None => self.mounts[master].first_slave = next,
        }
        if let Some(next) = next {
            self.mounts[next].previous_slave = previous;
        }
    }

    /// Moves the mount's slaves to the front of another master's list; without a master they are no longer slaves.
    fn hand_over_slaves(&mut self, mount: MountKey, to: Option<MountKey>) {
        let slaves: Vec<MountKey> = self.slaves(mount).collect();
        let (Some(&first), Some(&last)) = (slaves.first(), slaves.last()) else { return };
        for &slave in &slaves {
            self.mounts[slave].master = to;
        }
        self.mounts[mount].first_slave = None;
        match to {
            Some(master) => {
                let old_first = self.mounts[master].first_slave.replace(first);
                self.mounts[last].next_slave = old_first;
                if let Some(old_first) = old_first {
                    self.mounts[old_first].previous_slave = Some(last);
                }
            }
            None => {
                for &slave in &slaves {
                    self.mounts[slave].previous_slave = None;
                    self.mounts[slave].next_slave = None;
                }
            }
        }
    }

    /// Gives every one of these mounts without a peer group a new group, without marking it shared.
    pub(crate) fn invent_groups(&mut self, mounts: &[MountKey]) {
        for &mount in mounts {
            if self.mounts[mount].group == 0 {
                self.mounts[mount].group = self.group_ids.take();
            }
        }
    }

    /// Releases the group ids that [`Machine::invent_groups`] assigned.
    pub(crate) fn forget_invented_groups(&mut self, mounts: &[MountKey]) {
        for &mount in mounts {
            if self.mounts[mount].group != 0 && !self.mounts[mount].shared {
                self.release_group(mount);
            }
        }
    }

    pub(crate) fn release_group(&mut self, mount: MountKey) {
        let group = std::mem::take(&mut self.mounts[mount].group);
        self.group_ids.give_back(group);
    }

    pub(crate) fn mark_shared(&mut self, mount: MountKey) {
        let object = &mut self.mounts[mount];
        object.shared = true;
        object.unbindable = false;
    }

    /// Returns the next master for this mount's slaves: a peer that stays, else the nearest master.
    fn successor(&self, mount: MountKey) -> Option<MountKey> {
        let mut at = mount;
        loop {
            if let Some(peer) = self.peers(at).skip(1).find(|&peer| !self.mounts[peer].unmounted) {
                return Some(peer);
            }
            at = self.mounts[at].master?;
            if !self.mounts[at].unmounted {
                return Some(at);
            }
        }
    }

    /// Removes a mount from its peer group; the last member releases the group's number.
    fn leave_group(&mut self, mount: MountKey) {
        if self.mounts[mount].next_peer == mount {
            self.release_group(mount);
        } else {
            self.leave_peers(mount);
            self.mounts[mount].group = 0;
        }
        self.mounts[mount].shared = false;
    }

    /// Changes one mount's type. For [`PropagationType::Shared`] it must have a group already.
    pub(crate) fn set_propagation_type(&mut self, mount: MountKey, to: PropagationType) {
        if to == PropagationType::Shared {
            self.mark_shared(mount);
            return;
        }
        let mut master = self.mounts[mount].master;
        if self.mounts[mount].shared {
            if to == PropagationType::Slave || self.mounts[mount].first_slave.is_some() {
                master = self.successor(mount);
            }
            self.leave_group(mount);
            self.hand_over_slaves(mount, master);
        }
        self.leave_master(mount);
        if to == PropagationType::Slave {
            if let Some(master) = master {
                self.become_first_slave(mount, master);
            }
        } else {
            self.mounts[mount].unbindable = to == PropagationType::Unbindable;
        }
    }

    /// Makes all of these, which are being unmounted, private: their slaves are moved to the nearest mount that stays.
    pub(crate) fn make_all_private(&mut self, mounts: &[MountKey]) {
        // Every successor is looked up before the lists change; a successor is never one of `mounts`.
        let heirs: Vec<Option<MountKey>> = mounts.iter().map(|&mount| self.successor(mount)).collect();
        for &mount in mounts {
            if self.mounts[mount].shared {
                self.leave_group(mount);
            }
            self.mounts[mount].unbindable = false;
        }
        for &mount in mounts {
            self.leave_master(mount);
        }
        for (&mount, heir) in mounts.iter().zip(heirs) {
            self.hand_over_slaves(mount, heir);
        }
    }
}
