//! Locks on mounts that a less privileged namespace gets.

use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;

impl Machine {
    /// Locks the present flags of every mount of the tree, and every mount but the top one to its place.
    pub(crate) fn lock_tree(&mut self, top: MountKey) {
        for mount in self.tree(top) {
            let object = &mut self.mounts[mount];
            object.flags = object.flags.with_locks();
            if mount != top {
                object.flags |= MountFlags::LOCKED;
            }
        }
    }
}
