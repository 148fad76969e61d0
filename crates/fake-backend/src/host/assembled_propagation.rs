//! Peer groups and masters of the mounts of a host.

use std::collections::BTreeMap;

use mountwright_core::mount::PeerGroup;

use crate::host::build_machine::Assembly;
use crate::model::keys::MountKey;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::user_namespace::UserNs;

impl Assembly<'_> {
    /// Sets the propagation of each row's mount. A master without a row is a mount in another namespace.
    pub(crate) fn set_propagation(&mut self) {
        let mut groups: BTreeMap<PeerGroup, MountKey> = BTreeMap::new();
        for (row, &mount) in self.rows.iter().zip(&self.mounts) {
            let state = row.mount.propagation;
            self.machine.mounts[mount].unbindable = state.unbindable;
            if let Some(group) = state.peers {
                self.machine.mounts[mount].group = group.0.get();
                self.machine.mark_shared(mount);
                // The ring of peers has the order of the rows.
                if let Some(last) = groups.insert(group, mount) {
                    self.machine.join_peers(mount, last);
                }
            }
        }
        let mut last_slaves: BTreeMap<PeerGroup, MountKey> = BTreeMap::new();
        let mut elsewhere = None;
        for (row, index) in self.rows.iter().zip(0..) {
            let state = row.mount.propagation;
            let Some(group) = state.master else { continue };
            let slave = self.mounts[index];
            let master = if let Some(&master) = groups.get(&group) {
                master
            } else {
                let outside = *elsewhere.get_or_insert_with(|| self.other_namespace());
                let master = self.hidden_master(outside, slave, group);
                if let Some(above) = state.propagate_from.and_then(|from| groups.get(&from)) {
                    self.machine.become_first_slave(master, *above);
                }
                groups.insert(group, master);
                master
            };
            match last_slaves.insert(group, slave) {
                Some(brother) => self.machine.become_slave_behind(slave, brother),
                None => self.machine.become_first_slave(slave, master),
            }
        }
    }

    /// Returns the root of a permanent namespace without a process.
    fn other_namespace(&mut self) -> MountKey {
        let superblock = self.machine.empty_tmpfs(b"tmpfs");
        let root = self.machine.superblocks[superblock].root;
        let outside = self.machine.new_mount(superblock, root, MountFlags::REL_ATIME, None);
        let namespace = self.machine.new_namespace(UserNs::INITIAL, outside);
        self.machine.namespaces[namespace].processes = 1;
        self.machine.enter_namespace(outside, namespace);
        outside
    }

    /// A mount of the slave's whole filesystem, where the first process does not see it.
    fn hidden_master(&mut self, outside: MountKey, slave: MountKey, group: PeerGroup) -> MountKey {
        let superblock = self.machine.mounts[slave].superblock;
        let root = self.machine.superblocks[superblock].root;
        let master = self.machine.new_mount(superblock, root, MountFlags::REL_ATIME, None);
        let point = self.directory_in(outside, &group.to_string());
        self.machine.attach(master, outside, point);
        if let Some(namespace) = self.machine.mounts[outside].namespace {
            self.machine.enter_namespace(master, namespace);
        }
        self.machine.mounts[master].group = group.0.get();
        self.machine.mark_shared(master);
        master
    }
}
