//! What `fsopen` and `fspick` open: a filesystem that is being configured.

use std::sync::Arc;

use crate::Machine;
use crate::model::filesystems::filesystem_type::FilesystemType;
use crate::model::filesystems::options::SuperblockOptions;
use crate::model::mounts::mount::MountKey;
use crate::model::process::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::device_number::Device;
use crate::model::vfs::inode::Content;
use crate::model::vfs::mount_flags::MountFlags;
use crate::model::vfs::path::Place;
use crate::model::vfs::superblock::{NewInode, NewSuperblock, SuperKey};

/// A filesystem context, behind a descriptor.
#[derive(Clone, Debug)]
pub(crate) struct FilesystemContext {
    pub(crate) phase: Phase,
    /// What `fsopen` was told; `None` for one that `fspick` made.
    pub(crate) fs_type: Option<FilesystemType>,
    pub(crate) options: SuperblockOptions,
    /// The superblock, once there is one. Held, as a mount holds it.
    pub(crate) superblock: Option<SuperKey>,
}

/// What a context is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Parameters of a new superblock.
    Parameters,
    /// `fsmount`.
    Mounting,
    /// Parameters of a change.
    Changes,
    /// Nothing: something failed.
    Failed,
}

impl Machine {
    /// Where descriptors are that no filesystem has: a mount that no namespace has either.
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
            // No number of the pool: those of other filesystems do not depend on whether this one is there.
            device: Some(Device { major: 0, minor: 0 }),
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root: NewInode { content: Content::Directory(SortedMap::default()), mode: 0o600, uid: 0, gid: 0 },
        });
        let root = self.superblocks[superblock].root;
        let mount = self.new_mount(superblock, root, MountFlags::default(), None);
        // The same goes for its ids.
        let id = std::mem::take(&mut self.mounts[mount].id);
        self.mount_ids.give_back(id);
        self.last_unique_id -= 1;
        self.mounts[mount].holders += 1;
        self.anonymous_mount = Some(mount);
        mount
    }

    /// Holds a superblock without a mount.
    pub(crate) fn hold_superblock(&mut self, superblock: SuperKey) {
        self.superblocks[superblock].mounts += 1;
    }

    /// Lets go of it again.
    pub(crate) fn release_superblock(&mut self, superblock: SuperKey) {
        self.superblocks[superblock].mounts -= 1;
        self.free_superblock_if_unused(superblock);
    }
}
