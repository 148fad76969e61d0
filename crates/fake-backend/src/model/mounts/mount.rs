//! A mount and its links.

use std::sync::Arc;

use crate::Machine;
use crate::model::mounts::namespace::NamespaceKey;
use crate::model::store::arena::Key;
use crate::model::vfs::dentry::DentryKey;
use crate::model::vfs::mount_flags::MountFlags;
use crate::model::vfs::superblock::SuperKey;

pub(crate) type MountKey = Key<Mount>;

/// A tree of a filesystem, put on a dentry of another mount. The links are lists threaded through the mounts, in the
/// order in which the kernel keeps them: that order decides in which order copies are made, and so the order of tables.
// The switches are independent of each other, and `mount_point` is what everybody calls it.
#[allow(clippy::struct_excessive_bools, clippy::struct_field_names)]
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// Mountinfo's first column: the lowest free number, used again.
    pub(crate) id: u32,
    /// Never used again.
    pub(crate) unique_id: u64,
    pub(crate) superblock: SuperKey,
    pub(crate) root: DentryKey,
    pub(crate) flags: MountFlags,
    /// What was given as source; `None` prints as `none`.
    pub(crate) source: Option<Arc<[u8]>>,
    /// The namespace it is in: nothing before it is attached and after it was unmounted.
    pub(crate) namespace: Option<NamespaceKey>,

    pub(crate) parent: Option<MountKey>,
    /// The parent's id as a captured text gave it, where that parent was not in the text. Until the mount is moved.
    pub(crate) shown_parent: Option<u32>,
    /// Where on the parent; its own root while it has no parent.
    pub(crate) mount_point: DentryKey,
    /// A walk finds it at its mount point.
    pub(crate) visible: bool,
    pub(crate) first_child: Option<MountKey>,
    pub(crate) last_child: Option<MountKey>,
    pub(crate) previous_sibling: Option<MountKey>,
    pub(crate) next_sibling: Option<MountKey>,
    /// The child that covers the whole of it.
    pub(crate) cover: Option<MountKey>,

    pub(crate) shared: bool,
    pub(crate) unbindable: bool,
    /// The peer group, 0 for none.
    pub(crate) group: u32,
    /// The ring of peers; itself when alone.
    pub(crate) next_peer: MountKey,
    pub(crate) previous_peer: MountKey,
    /// Where events come from, if it is a slave.
    pub(crate) master: Option<MountKey>,
    pub(crate) first_slave: Option<MountKey>,
    pub(crate) previous_slave: Option<MountKey>,
    pub(crate) next_slave: Option<MountKey>,

    /// Open files, working directories and roots in it.
    pub(crate) holders: u32,
    /// Files open for writing through it.
    pub(crate) writers: u32,
    /// Set by `MNT_EXPIRE`, cleared by any use.
    pub(crate) expire_mark: bool,
    /// It was, or is being, unmounted.
    pub(crate) unmounted: bool,
}

impl Machine {
    /// A mount of `root`, attached nowhere.
    pub(crate) fn new_mount(
        &mut self,
        superblock: SuperKey,
        root: DentryKey,
        flags: MountFlags,
        source: Option<Arc<[u8]>>,
    ) -> MountKey {
        let id = self.mount_ids.take();
        self.last_unique_id += 1;
        let unique_id = self.last_unique_id;
        self.hold_dentry(root);
        self.superblocks[superblock].mounts += 1;
        self.mounts.insert_with(|key| Mount {
            id,
            unique_id,
            superblock,
            root,
            flags,
            source,
            namespace: None,
            parent: None,
            shown_parent: None,
            mount_point: root,
            visible: false,
            first_child: None,
            last_child: None,
            previous_sibling: None,
            next_sibling: None,
            cover: None,
            shared: false,
            unbindable: false,
            group: 0,
            next_peer: key,
            previous_peer: key,
            master: None,
            first_slave: None,
            previous_slave: None,
            next_slave: None,
            holders: 0,
            writers: 0,
            expire_mark: false,
            unmounted: false,
        })
    }

    /// Mountinfo's second column: its own id where it has no parent.
    pub(crate) fn parent_id(&self, mount: MountKey) -> u32 {
        let object = &self.mounts[mount];
        object.shown_parent.unwrap_or_else(|| object.parent.map_or(object.id, |parent| self.mounts[parent].id))
    }

    /// In this process's namespace.
    pub(crate) fn is_in(&self, mount: MountKey, namespace: NamespaceKey) -> bool {
        self.mounts[mount].namespace == Some(namespace)
    }

    /// The mount or its superblock is read-only.
    pub(crate) fn is_read_only(&self, mount: MountKey) -> bool {
        let mount = &self.mounts[mount];
        mount.flags.has(MountFlags::READ_ONLY) || self.superblocks[mount.superblock].read_only
    }
}
