//! A new machine: its first filesystem, mounts and process.

use std::sync::Arc;

use crate::model::keys::{MountKey, NamespaceKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::credentials::Credentials;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::superblock::{NewInode, NewSuperblock};
use crate::model::objects::task::Task;
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

impl Machine {
    /// Returns a machine with one process ([`Machine::INIT`]) and an empty root: a tmpfs mounted at `/`, on a rootfs
    /// that no path leads to, as on a real machine. The root mount is private, `rw,relatime`.
    pub fn new() -> Self {
        let mut machine = Self::bare();
        let rootfs = machine.empty_tmpfs(b"rootfs");
        let bottom = machine.new_mount(
            rootfs,
            machine.superblocks[rootfs].root,
            MountFlags::default(),
            Some(Arc::from(&b"rootfs"[..])),
        );
        let namespace = machine.first_namespace(bottom);
        let tmpfs = machine.empty_tmpfs(b"tmpfs");
        let source = Some(Arc::from(&b"tmpfs"[..]));
        let top = machine.new_mount(tmpfs, machine.superblocks[tmpfs].root, MountFlags::REL_ATIME, source);
        machine.attach(top, bottom, machine.mounts[bottom].root);
        machine.enter_namespace(top, namespace);
        machine.start(namespace, Place { mount: top, dentry: machine.mounts[top].root });
        machine
    }

    /// The namespace of the first process, with its lowest mount.
    pub(crate) fn first_namespace(&mut self, bottom: MountKey) -> NamespaceKey {
        let namespace = self.new_namespace(UserNs::INITIAL, bottom);
        self.namespaces[namespace].processes = 1;
        self.enter_namespace(bottom, namespace);
        namespace
    }

    /// Starts the first process.
    pub(crate) fn start(&mut self, namespace: NamespaceKey, root: Place) {
        self.hold(root);
        self.hold(root);
        let init = Task {
            namespace,
            user_ns: UserNs::INITIAL,
            credentials: Credentials::root(),
            root,
            current_dir: root,
            umask: 0,
            descriptors: SortedMap::default(),
        };
        self.tasks.insert(Self::INIT, Arc::new(init));
    }

    pub(crate) fn empty_tmpfs(&mut self, type_name: &[u8]) -> SuperKey {
        let root = NewInode { content: Content::Directory(SortedMap::default()), mode: 0o755, uid: 0, gid: 0 };
        self.new_superblock(NewSuperblock {
            type_name: Arc::from(type_name),
            magic: 0x0102_1994,
            device: None,
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root,
        })
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}
