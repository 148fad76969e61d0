//! Attaching a tree to a mount point: copies to the receivers, locks, and the mounts already there.

use mountwright_core::Errno;

use crate::model::keys::{MountKey, NamespaceKey};
use crate::model::machine::Machine;
use crate::model::mounts::mount_point::MountPoint;

impl Machine {
    /// Attaches a tree that is a fresh copy, detached, or mounted elsewhere (then it is moved), and attaches copies at
    /// every mount that receives the events of the new parent. On error nothing has changed.
    ///
    /// `actor` is the namespace of the process that does it.
    ///
    /// # Errors
    /// `ENOENT`: the root of the tree was removed. `ENOSPC`: too many mounts.
    pub(crate) fn attach_tree(
        &mut self,
        source: MountKey,
        point: MountPoint,
        actor: NamespaceKey,
    ) -> Result<(), Errno> {
        let moving = self.mounts[source].parent.is_some();
        let source_top = self.topmost(source);
        self.check_can_be_mounted_on(self.mounts[source_top].root)?;
        let dest_namespace = self.mounts[point.parent].namespace;
        if !moving && let Some(namespace) = dest_namespace {
            self.reserve_mounts(namespace, source)?;
        }

        let mut copies = Vec::new();
        let tree = self.tree(source);
        let shared = self.mounts[point.parent].shared;
        if shared {
            self.invent_groups(&tree);
            if let Err(errno) = self.propagate(point.parent, point.dentry, source, &mut copies) {
                self.take_back(&tree, &copies, dest_namespace);
                return Err(errno);
            }
            for &mount in &tree {
                self.mark_shared(mount);
            }
        }

        if moving {
            self.detach(source);
        } else if self.mounts[source].namespace.is_some() {
            // The tree leaves the namespace of its own that a detached tree has.
            for &mount in &tree {
                self.leave_namespace(mount);
            }
        }
        self.set_mount_point(source, point.parent, point.dentry);

        let actor_user_ns = self.namespaces[actor].user_ns;
        copies.push(source);
        for &child in copies.iter().rev() {
            self.settle(child, actor_user_ns);
        }
        Ok(())
    }

    /// Makes one copy (or the source itself) visible, with what it covers moved on top of it.
    fn settle(&mut self, child: MountKey, actor_user_ns: crate::model::objects::user_namespace::UserNs) {
        let (parent, dentry) = (self.mounts[child].parent, self.mounts[child].mount_point);
        let Some(parent) = parent else { return };
        let Some(namespace) = self.mounts[parent].namespace else { return };
        if self.namespaces[namespace].user_ns != actor_user_ns {
            self.lock_tree(child);
        }
        let covered = self.mount_at(parent, dentry);
        if self.mounts[child].namespace.is_none() {
            for mount in self.tree(child) {
                self.enter_namespace(mount, namespace);
            }
            self.namespaces[namespace].reserved = 0;
        }
        self.make_visible(child);
        if let Some(covered) = covered {
            let top = self.topmost(child);
            self.change_mount_point(covered, top, self.mounts[top].root);
        }
    }

    fn take_back(&mut self, tree: &[MountKey], copies: &[MountKey], dest: Option<NamespaceKey>) {
        for &copy in copies.iter().rev() {
            let receiver = self.mounts[copy].parent.and_then(|parent| self.mounts[parent].namespace);
            if let Some(namespace) = receiver {
                self.namespaces[namespace].reserved = 0;
            }
            self.discard_tree(copy);
        }
        self.forget_invented_groups(tree);
        if let Some(namespace) = dest {
            self.namespaces[namespace].reserved = 0;
        }
    }
}
