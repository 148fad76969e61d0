//! Inodes: files and their contents.

use std::sync::Arc;

use crate::abi;
use crate::model::keys::{DentryKey, SuperKey};
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::proc_node::ProcNode;
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

/// A file of any kind.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) superblock: SuperKey,
    pub(crate) number: u64,
    pub(crate) content: Content,
    /// Permission bits, set-id and sticky bits.
    pub(crate) mode: u16,
    /// As the initial user namespace numbers it.
    pub(crate) uid: u32,
    /// As the initial user namespace numbers it.
    pub(crate) gid: u32,
    /// Names, and for a directory its own `.` and the `..` of its subdirectories.
    pub(crate) links: u32,
    /// Dentries that lead here, those of removed names included.
    pub(crate) dentries: u32,
    /// A removed directory: look-ups and creations in it fail.
    pub(crate) dead: bool,
    pub(crate) times: Times,
    /// The extended attribute `security.capability`.
    pub(crate) capabilities: Option<Arc<[u8]>>,
    /// The `st_dev` that is shown instead of the superblock's, as overlayfs has it.
    pub(crate) device: Option<Device>,
}

/// When things happened, in ticks of the machine's counter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    pub(crate) made: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Directory(SortedMap<Name, DentryKey>),
    File(Arc<Vec<u8>>),
    Symlink(Arc<[u8]>),
    Block(Device),
    Character(Device),
    Fifo,
    Socket,
    /// A file of procfs: generated from the machine's state at each look-up.
    Proc(ProcNode),
    /// A file of nsfs.
    UserNamespace(UserNs),
    /// A regular file of the kernel's whose contents are not modelled.
    Opaque,
}

impl Content {
    pub(crate) const fn file_type(&self) -> u32 {
        match self {
            Self::Directory(_) => abi::S_IFDIR,
            Self::File(_) | Self::Opaque | Self::UserNamespace(_) => abi::S_IFREG,
            Self::Symlink(_) => abi::S_IFLNK,
            Self::Block(_) => abi::S_IFBLK,
            Self::Character(_) => abi::S_IFCHR,
            Self::Fifo => abi::S_IFIFO,
            Self::Socket => abi::S_IFSOCK,
            Self::Proc(node) => node.file_type(),
        }
    }
}

impl Inode {
    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_)) || self.content.file_type() == abi::S_IFDIR
    }

    pub(crate) fn is_symlink(&self) -> bool {
        self.content.file_type() == abi::S_IFLNK
    }

    pub(crate) fn is_regular(&self) -> bool {
        self.content.file_type() == abi::S_IFREG
    }

    pub(crate) const fn is_device(&self) -> bool {
        matches!(self.content, Content::Block(_) | Content::Character(_))
    }

    /// A node whose content is not in the filesystem: a device, fifo or socket.
    pub(crate) const fn is_special(&self) -> bool {
        matches!(self.content, Content::Block(_) | Content::Character(_) | Content::Fifo | Content::Socket)
    }

    /// The names of a directory; none for other kinds.
    pub(crate) const fn names(&self) -> Option<&SortedMap<Name, DentryKey>> {
        match &self.content {
            Content::Directory(names) => Some(names),
            Content::Proc(node) => Some(&node.names),
            _ => None,
        }
    }

    pub(crate) const fn names_mut(&mut self) -> Option<&mut SortedMap<Name, DentryKey>> {
        match &mut self.content {
            Content::Directory(names) => Some(names),
            Content::Proc(node) => Some(&mut node.names),
            _ => None,
        }
    }

    pub(crate) fn is_empty_directory(&self) -> bool {
        self.names().is_some_and(SortedMap::is_empty)
    }

    pub(crate) fn size(&self) -> u64 {
        match &self.content {
            Content::File(bytes) => bytes.len() as u64,
            Content::Symlink(text) => text.len() as u64,
            // As tmpfs counts: 20 for each entry.
            Content::Directory(names) => 40 + 20 * names.len() as u64,
            _ => 0,
        }
    }
}
