//! Propagation of an attach: the tree is copied to every mount that receives the parent's events.

use std::collections::BTreeSet;

use mountwright_core::Errno;

use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::mounts::copy_tree::CopyKind;

/// A peer group that an event reaches, in the order of its ring: the first member is the one that was reached.
type Group = Vec<MountKey>;

impl Machine {
    /// Returns every mount that receives events from `origin`, without itself, in the order of their events.
    pub(crate) fn receivers(&self, origin: MountKey) -> Vec<MountKey> {
        let mut all = Vec::new();
        for peer in self.peers(origin) {
            if peer != origin {
                all.push(peer);
            }
            self.collect_slaves(peer, &mut all);
        }
        all
    }

    fn collect_slaves(&self, master: MountKey, all: &mut Vec<MountKey>) {
        if self.mounts[master].namespace.is_none() {
            return;
        }
        for slave in self.slaves(master) {
            all.push(slave);
            self.collect_slaves(slave, all);
        }
    }

    /// Returns the groups that receive events from `origin`'s: its own first, then each slave group after its master,
    /// depth first.
    fn receiving_groups(&self, origin: MountKey) -> Vec<Group> {
        let own: Group = self.peers(origin).collect();
        let mut all = vec![own.clone()];
        for peer in own {
            self.collect_slave_groups(peer, &mut all);
        }
        all
    }

    fn collect_slave_groups(&self, master: MountKey, all: &mut Vec<Group>) {
        if self.mounts[master].namespace.is_none() {
            return;
        }
        let mut next = self.mounts[master].first_slave;
        while let Some(first) = next {
            // Slaves that are peers of each other are adjacent in the list, in the order of their ring.
            let mut last = first;
            let place = all.len();
            all.push(self.peers(first).collect());
            loop {
                self.collect_slave_groups(last, all);
                let peer = self.mounts[last].next_peer;
                if self.mounts[last].next_slave != Some(peer) {
                    break;
                }
                last = peer;
            }
            debug_assert!(all[place].contains(&last), "peers among slaves stand together");
            next = self.mounts[last].next_slave;
        }
    }

    /// Returns true if the mount gets a copy: it is not in a detached tree, and shows the mount point.
    fn gets_copy(&self, mount: MountKey, mount_point: DentryKey) -> bool {
        let Some(namespace) = self.mounts[mount].namespace else { return false };
        !self.namespaces[namespace].detached && self.is_below(mount_point, self.mounts[mount].root)
    }

    /// Makes the copies for an attach of `source` at `mount_point` of `dest`. Each has its parent, but path walks do
    /// not find it yet; `copies` has them in the order of creation, also on an error.
    ///
    /// # Errors
    /// `ENOSPC`: a namespace would have too many mounts. `EPERM`, `EINVAL`: as [`Machine::copy_tree`].
    pub(crate) fn propagate(
        &mut self,
        dest: MountKey,
        mount_point: DentryKey,
        source: MountKey,
        copies: &mut Vec<MountKey>,
    ) -> Result<(), Errno> {
        let mut marked: BTreeSet<u32> = self.mounts[dest].master.map(MountKey::number).into_iter().collect();
        let mut latest = source;
        for group in self.receiving_groups(dest) {
            let own = group[0] == dest;
            let mut kind = if own {
                latest = source;
                CopyKind { make_shared: true, ..CopyKind::default() }
            } else {
                CopyKind { slave: true, make_shared: self.mounts[group[0]].shared, ..CopyKind::default() }
            };
            for &receiver in group.iter().skip(usize::from(own)) {
                if !self.gets_copy(receiver, mount_point) {
                    continue;
                }
                if kind.slave {
                    latest = self.original_for(receiver, latest, source, &marked);
                }
                let copy = self.copy_tree(latest, self.mounts[latest].root, kind)?;
                self.set_mount_point(copy, receiver, mount_point);
                copies.push(copy);
                marked.extend(self.mounts[receiver].master.map(MountKey::number));
                latest = copy;
                if let Some(namespace) = self.mounts[receiver].namespace {
                    self.reserve_mounts(namespace, copy)?;
                }
                kind = CopyKind { make_shared: true, ..CopyKind::default() };
            }
        }
        Ok(())
    }

    /// Returns the copy so far (or the source) that the next copy, for `receiver`, is to be a slave of: the one on the
    /// mount that the receiver's events come from.
    fn original_for(&self, receiver: MountKey, latest: MountKey, source: MountKey, marked: &BTreeSet<u32>) -> MountKey {
        // Up to the nearest mount whose master had a copy made for one of its slaves, or itself.
        let mut below = receiver;
        let master = loop {
            match self.mounts[below].master {
                Some(master) if !marked.contains(&master.number()) => below = master,
                found => break found,
            }
        };
        let mut candidate = latest;
        while !self.are_peers(candidate, source) {
            let parent = self.mounts[candidate].parent;
            let above = self.mounts[candidate].master;
            let Some((parent, above)) = parent.zip(above) else { break };
            if self.mounts[parent].master == master {
                return if self.are_peers(parent, below) { candidate } else { above };
            }
            candidate = above;
        }
        candidate
    }
}
