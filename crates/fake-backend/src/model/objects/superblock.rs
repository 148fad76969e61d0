//! Superblocks: a device and a tree of names.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::keys::DentryKey;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::server::Server;
use crate::model::objects::user_namespace::UserNs;

/// A filesystem that is mounted, or a disk that may be.
// The switches are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug)]
pub(crate) struct Superblock {
    pub(crate) type_name: Arc<[u8]>,
    pub(crate) magic: u32,
    pub(crate) device: Device,
    pub(crate) root: DentryKey,
    pub(crate) read_only: bool,
    /// The options that mountinfo prints after `rw` or `ro`, with a leading comma.
    pub(crate) options: Arc<[u8]>,
    /// Options of mounts of these roots, where they differ: what btrfs shows for its subvolumes.
    pub(crate) root_options: Arc<Vec<(DentryKey, Arc<[u8]>)>>,
    pub(crate) user_ns: UserNs,
    /// Device nodes on it open nothing: mounted by a user namespace.
    pub(crate) no_devices: bool,
    pub(crate) mounts: u32,
    /// Stays when nothing is mounted from it: a disk, or message queues.
    pub(crate) stays: bool,
    pub(crate) names: NamesRule,
    pub(crate) server: Server,
    pub(crate) last_inode: u64,
    /// Files without a name that are still referenced: a remount to read-only has to wait for them.
    pub(crate) removed_in_use: u32,
}

impl Superblock {
    /// Returns true if the size of a directory counts its entries, as on tmpfs.
    pub(crate) fn counts_entries(&self) -> bool {
        *self.type_name != *b"ramfs" && *self.type_name != *b"hugetlbfs"
    }
}

/// The changes that processes can make to the names of a filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamesRule {
    /// All
    Free,
    /// Nothing: the kernel makes them.
    Fixed,
    /// A directory is a control group, which is not modelled.
    ControlGroups,
    /// Create and remove regular files: message queues.
    Queues,
}

impl NamesRule {
    /// # Errors
    /// `EACCES` for a regular file and `EPERM` for another one: the filesystem has no such operation. `EOPNOTSUPP`: a
    /// control group.
    pub(crate) const fn allow_new(self, content: &Content) -> Result<(), Errno> {
        match (self, content) {
            (Self::Free, _) | (Self::Queues, Content::File(_)) => Ok(()),
            (Self::ControlGroups, Content::Directory(_)) => Err(Errno::EOPNOTSUPP),
            (_, Content::File(_)) => Err(Errno::EACCES),
            _ => Err(Errno::EPERM),
        }
    }

    /// # Errors
    /// `EPERM`: the filesystem has no such operation. `EOPNOTSUPP`: a control group.
    pub(crate) const fn allow_removal(self, of_directory: bool) -> Result<(), Errno> {
        match (self, of_directory) {
            (Self::Free, _) | (Self::Queues, false) => Ok(()),
            (Self::ControlGroups, true) => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EPERM),
        }
    }
}

/// Everything about a new file but its place.
pub(crate) struct NewInode {
    pub(crate) content: Content,
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The attributes of a new superblock.
pub(crate) struct NewSuperblock {
    pub(crate) type_name: Arc<[u8]>,
    pub(crate) magic: u32,
    /// `None`: the lowest free anonymous one.
    pub(crate) device: Option<Device>,
    pub(crate) options: Arc<[u8]>,
    pub(crate) user_ns: UserNs,
    pub(crate) root: NewInode,
}
