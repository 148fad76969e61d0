//! The end of mounts and superblocks.

use crate::model::keys::{MountKey, SuperKey};
use crate::model::machine::Machine;

impl Machine {
    /// Frees a mount that is in no tree and that nothing holds, and what stayed connected to it.
    pub(crate) fn free_if_unused(&mut self, mount: MountKey) {
        let mut waiting = vec![mount];
        while let Some(key) = waiting.pop() {
            let object = &self.mounts[key];
            if object.holders > 0 || object.namespace.is_some() || object.parent.is_some() || !object.unmounted {
                continue;
            }
            while let Some(child) = self.mounts[key].first_child {
                self.detach(child);
                waiting.push(child);
            }
            let object = &self.mounts[key];
            let (id, superblock, root) = (object.id, object.superblock, object.root);
            self.mounts.remove(key);
            self.mount_ids.give_back(id);
            self.drop_dentry(root);
            self.superblocks[superblock].mounts -= 1;
            self.free_superblock_if_unused(superblock);
        }
    }

    pub(crate) fn free_superblock_if_unused(&mut self, key: SuperKey) {
        let superblock = &self.superblocks[key];
        if superblock.mounts > 0 || superblock.stays {
            return;
        }
        let (root, device) = (superblock.root, superblock.device);
        self.free_names(root);
        self.superblocks.remove(key);
        if device.major == 0 {
            self.anonymous_devices.give_back(device.minor);
        }
    }

    /// Frees a whole tree of names, which nothing outside it holds any more.
    fn free_names(&mut self, root: crate::model::keys::DentryKey) {
        let mut below = vec![root];
        let mut at = 0;
        while at < below.len() {
            if let Some(names) = self.inodes[self.dentries[below[at]].inode].names() {
                below.extend(names.iter().map(|(_, &dentry)| dentry));
            }
            at += 1;
        }
        // Leaves first: each holds its parent.
        for &dentry in below.iter().rev() {
            self.dentries[dentry].linked = false;
            self.drop_dentry(dentry);
        }
    }
}
