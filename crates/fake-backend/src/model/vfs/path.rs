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

    /// Adds a reference to mount and dentry: for an open file, a working directory, a root.
    pub(crate) fn hold(&mut self, place: Place) {
        self.mounts[place.mount].holders += 1;
        self.hold_dentry(place.dentry);
    }

    /// Removes the references; a mount without references and outside every tree is freed.
    pub(crate) fn let_go(&mut self, place: Place) {
        self.drop_dentry(place.dentry);
        let mount = &mut self.mounts[place.mount];
        mount.holders -= 1;
        mount.expire_mark = false;
        self.free_if_unused(place.mount);
    }
}
