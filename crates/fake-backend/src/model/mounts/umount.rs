//! Unmounting of trees.

use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;

/// The options of an unmount.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unmount {
    /// Child mounts stay attached to their parents.
    pub(crate) connected: bool,
    /// All mounts are disconnected at once (not a lazy unmount).
    pub(crate) sync: bool,
    /// Also at the receivers of the parent's events.
    pub(crate) propagate: bool,
}

impl Machine {
    /// Unmounts the tree. Mounts still in use live on outside every namespace.
    pub(crate) fn unmount_tree(&mut self, top: MountKey, how: Unmount) {
        if how.propagate {
            self.unlock_copies(top);
        }
        let mut set = self.tree(top);
        for &mount in &set {
            self.mounts[mount].unmounted = true;
        }
        for &mount in &set {
            self.leave_siblings(mount);
        }
        // Before they leave their namespace: a mount in no namespace has no slaves that receive its events.
        if how.propagate {
            let more = self.propagated_unmounts(&set);
            set.extend(more);
        }
        self.make_all_private(&set);
        let mut freed = Vec::new();
        for &mount in &set {
            self.leave_namespace(mount);
            let disconnect = self.is_disconnected(mount, how);
            if let Some(parent) = self.mounts[mount].parent {
                if disconnect {
                    self.detach(mount);
                } else {
                    self.append_child(parent, mount);
                }
            }
            if disconnect {
                freed.push(mount);
            }
        }
        for mount in freed {
            self.free_if_unused(mount);
        }
    }

    /// Unmounts a tree that was never attached, or not visible yet.
    pub(crate) fn discard_tree(&mut self, top: MountKey) {
        self.unmount_tree(top, Unmount { connected: false, sync: true, propagate: false });
    }

    fn is_disconnected(&self, mount: MountKey, how: Unmount) -> bool {
        let object = &self.mounts[mount];
        let Some(parent) = object.parent else { return true };
        how.sync || !self.mounts[parent].unmounted || !(how.connected || object.flags.has(MountFlags::LOCKED))
    }

    /// Lazily unmounts the mounts on a dentry whose name was removed: they are in other namespaces.
    pub(crate) fn detach_mounts(&mut self, dentry: DentryKey) {
        while let Some(&mount) = self.dentries[dentry].mounted.first() {
            if self.mounts[mount].unmounted {
                self.detach(mount);
                self.free_if_unused(mount);
            } else {
                self.unmount_tree(mount, Unmount { connected: true, sync: false, propagate: false });
            }
        }
    }

    /// Returns true if a plain unmount is `EBUSY`: the mount has children or users, or a copy that propagation would
    /// unmount has users.
    pub(crate) fn is_busy(&self, mount: MountKey) -> bool {
        let object = &self.mounts[mount];
        if object.first_child.is_some() || object.holders > 0 {
            return true;
        }
        let Some(parent) = object.parent else { return false };
        self.receivers(parent).into_iter().any(|receiver| {
            let Some(copy) = self.mount_at(receiver, object.mount_point) else { return false };
            let copy = &self.mounts[copy];
            // A copy that carries more than a cover of its whole root stays, so its users do not count.
            let stays = copy.first_child.is_some() && (copy.first_child != copy.last_child || copy.cover.is_none());
            !stays && copy.holders > 0
        })
    }
}
