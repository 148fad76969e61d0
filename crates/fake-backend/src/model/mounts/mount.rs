//! A mount and its links.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::keys::{DentryKey, MountKey, NamespaceKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::mount::Mount;
use crate::model::objects::mount_flags::MountFlags;

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
            id_map: None,
            captured: None,
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

    /// # Errors
    /// `EOPNOTSUPP`: its captured line has words that the model does not know.
    pub(crate) fn check_known(&self, mount: MountKey) -> Result<(), Errno> {
        let captured = self.mounts[mount].captured.as_ref();
        if captured.is_some_and(|line| line.has_unknown_words()) { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
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
