//! Places: a dentry, seen through a mount.

use crate::model::machine::Machine;
use crate::model::objects::path::Place;

impl Machine {
    /// The place is the root of its mount.
    pub(crate) fn is_mount_root(&self, place: Place) -> bool {
        self.mounts[place.mount].root == place.dentry
    }

    pub(crate) fn is_directory(&self, place: Place) -> bool {
        self.inodes[self.dentries[place.dentry].inode].is_directory()
    }

    /// Keeps mount and dentry: an open file, a working directory, a root.
    pub(crate) fn hold(&mut self, place: Place) {
        self.mounts[place.mount].holders += 1;
        self.hold_dentry(place.dentry);
    }

    /// Lets go of them; a mount that nothing else holds and no tree has is freed.
    pub(crate) fn let_go(&mut self, place: Place) {
        self.drop_dentry(place.dentry);
        let mount = &mut self.mounts[place.mount];
        mount.holders -= 1;
        mount.expire_mark = false;
        self.free_if_unused(place.mount);
    }
}
