//! Mount namespaces: sets of mounts, in order of age.

use mountwright_core::Errno;

use crate::model::keys::{MountKey, NamespaceKey};
use crate::model::machine::Machine;
use crate::model::mounts::copy_tree::CopyKind;
use crate::model::objects::namespace::Namespace;
use crate::model::objects::path::Place;
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

impl Machine {
    pub(crate) fn new_namespace(&mut self, user_ns: UserNs, root: MountKey) -> NamespaceKey {
        self.last_namespace_id += 1;
        self.namespaces.insert(Namespace {
            id: self.last_namespace_id,
            user_ns,
            root,
            mounts: SortedMap::default(),
            reserved: 0,
            processes: 0,
            detached: false,
            origin: 0,
        })
    }

    pub(crate) fn enter_namespace(&mut self, mount: MountKey, namespace: NamespaceKey) {
        let object = &mut self.mounts[mount];
        object.namespace = Some(namespace);
        let unique_id = object.unique_id;
        self.namespaces[namespace].mounts.insert(unique_id, mount);
    }

    /// Removes a mount from its namespace; a detached tree's namespace ends with its last mount.
    pub(crate) fn leave_namespace(&mut self, mount: MountKey) {
        let object = &mut self.mounts[mount];
        let (Some(key), unique_id) = (object.namespace.take(), object.unique_id) else { return };
        let namespace = &mut self.namespaces[key];
        namespace.mounts.remove(&unique_id);
        if namespace.detached && namespace.mounts.is_empty() {
            self.namespaces.remove(key);
        }
    }

    /// Reserves one place of the namespace's limit for each mount of the tree.
    ///
    /// # Errors
    /// `ENOSPC`: the namespace would have more than the limit.
    pub(crate) fn reserve_mounts(&mut self, namespace: NamespaceKey, tree: MountKey) -> Result<(), Errno> {
        let wanted = self.tree(tree).len();
        let most = self.mount_max as usize;
        let namespace = &mut self.namespaces[namespace];
        let taken = namespace.mounts.len() + namespace.reserved as usize;
        if taken >= most || wanted > most - taken {
            return Err(Errno::ENOSPC);
        }
        // Not above `most`, which is a u32.
        #[allow(clippy::cast_possible_truncation)]
        {
            namespace.reserved += wanted as u32;
        }
        Ok(())
    }

    /// A copy of a namespace for processes of `user_ns`; with each old mount, its copy.
    ///
    /// # Errors
    /// As [`Machine::copy_tree`].
    pub(crate) fn copy_namespace(
        &mut self,
        original: NamespaceKey,
        user_ns: UserNs,
    ) -> Result<(NamespaceKey, Vec<(MountKey, MountKey)>), Errno> {
        let old = &self.namespaces[original];
        let (old_root, less_privileged) = (old.root, old.user_ns != user_ns);
        let kind = CopyKind { slave: less_privileged, make_shared: false, with_unbindable: true };
        let new_root = self.copy_tree(old_root, self.mounts[old_root].root, kind)?;
        if less_privileged {
            self.lock_tree(new_root);
        }
        let namespace = self.new_namespace(user_ns, new_root);
        let pairs: Vec<_> = self.tree(old_root).into_iter().zip(self.tree(new_root)).collect();
        for &(_, copy) in &pairs {
            self.enter_namespace(copy, namespace);
        }
        Ok((namespace, pairs))
    }

    /// Removes one process; a namespace without any is dismantled.
    pub(crate) fn drop_namespace(&mut self, key: NamespaceKey) {
        let namespace = &mut self.namespaces[key];
        namespace.processes -= 1;
        if namespace.processes == 0 {
            let root = namespace.root;
            self.unmount_tree(
                root,
                crate::model::mounts::umount::Unmount { connected: false, sync: false, propagate: false },
            );
            self.namespaces.remove(key);
        }
    }

    /// The mount, and the dentry of it, are below `root`.
    pub(crate) fn is_reachable(&self, place: Place, root: Place) -> bool {
        let mut at = place;
        while at.mount != root.mount {
            let mount = &self.mounts[at.mount];
            let Some(parent) = mount.parent else { return false };
            at = Place { mount: parent, dentry: mount.mount_point };
        }
        self.is_below(at.dentry, root.dentry)
    }

    /// Returns true if processes of this namespace may use the mount as a source: it is in the namespace, or in a
    /// detached tree that was cloned from it.
    pub(crate) fn may_use(&self, mount: MountKey, namespace: NamespaceKey) -> bool {
        let Some(home) = self.mounts[mount].namespace else { return false };
        if home == namespace {
            return true;
        }
        let home = &self.namespaces[home];
        home.detached && (home.origin == 0 || home.origin == self.namespaces[namespace].id)
    }

    /// The root of a detached tree that is still one.
    pub(crate) fn is_detached_root(&self, mount: MountKey) -> bool {
        self.mounts[mount].namespace.is_some_and(|home| {
            let home = &self.namespaces[home];
            home.detached && home.root == mount
        })
    }
}
