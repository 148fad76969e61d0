//! Filesystem contexts: the object behind a descriptor of `fsopen` or `fspick`.

use std::sync::Arc;

use crate::model::keys::{MountKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::superblock::{NewInode, NewSuperblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

impl Machine {
    /// The place of descriptors that are on no filesystem: the root of a mount that is in no namespace.
    pub(crate) fn anonymous_place(&mut self) -> Place {
        let mount = match self.anonymous_mount {
            Some(mount) => mount,
            None => self.make_anonymous_mount(),
        };
        Place { mount, dentry: self.mounts[mount].root }
    }

    fn make_anonymous_mount(&mut self) -> MountKey {
        let superblock = self.new_superblock(NewSuperblock {
            type_name: Arc::from(&b"anon_inodefs"[..]),
            magic: 0x0904_1934,
            // A number outside the pool: the numbers of other filesystems do not depend on this one.
            device: Some(Device { major: 0, minor: 0 }),
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root: NewInode { content: Content::Directory(SortedMap::default()), mode: 0o600, uid: 0, gid: 0 },
        });
        let mount = self.new_kernel_mount(superblock, MountFlags::default());
        self.anonymous_mount = Some(mount);
        mount
    }

    /// A mount that is in no namespace and never ends. Its mount ids are not taken from the pools.
    pub(crate) fn new_kernel_mount(&mut self, superblock: SuperKey, flags: MountFlags) -> MountKey {
        let root = self.superblocks[superblock].root;
        let mount = self.new_mount(superblock, root, flags, None);
        let id = std::mem::take(&mut self.mounts[mount].id);
        self.mount_ids.give_back(id);
        self.last_unique_id -= 1;
        self.mounts[mount].holders += 1;
        mount
    }
}
