//! Names in directories: what mounts are put on.

use std::borrow::Borrow;
use std::sync::Arc;

use crate::Machine;
use crate::model::mounts::mount::MountKey;
use crate::model::store::arena::Key;
use crate::model::vfs::inode::InodeKey;

pub(crate) type DentryKey = Key<Dentry>;

/// One component of a path: bytes without `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(Arc<[u8]>);

impl Name {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// A name in a directory. Hard links are several dentries of one inode; a rename moves the dentry, with what is mounted
/// on it; a removed name lives on while something holds it.
#[derive(Clone, Debug)]
pub(crate) struct Dentry {
    /// Itself for the root of a filesystem.
    pub(crate) parent: DentryKey,
    pub(crate) name: Name,
    pub(crate) inode: InodeKey,
    /// Its directory still has it.
    pub(crate) linked: bool,
    /// Removed: nothing can be mounted here any more.
    pub(crate) cannot_mount: bool,
    /// Mounts put on it, the newest first.
    pub(crate) mounted: Vec<MountKey>,
    /// Who holds it: its directory, dentries below it, mounts (as root or mount point), open files, processes.
    pub(crate) holders: u32,
}

impl Machine {
    pub(crate) fn is_filesystem_root(&self, dentry: DentryKey) -> bool {
        self.dentries[dentry].parent == dentry
    }

    /// Its name was removed.
    pub(crate) fn is_unlinked(&self, dentry: DentryKey) -> bool {
        !self.dentries[dentry].linked && !self.is_filesystem_root(dentry)
    }

    /// `dentry` is `top` or below it.
    pub(crate) fn is_below(&self, dentry: DentryKey, top: DentryKey) -> bool {
        let mut at = dentry;
        loop {
            if at == top {
                return true;
            }
            let parent = self.dentries[at].parent;
            if parent == at {
                return false;
            }
            at = parent;
        }
    }

    /// How many names lead to it from the root of its filesystem.
    pub(crate) fn depth(&self, dentry: DentryKey) -> usize {
        std::iter::successors(Some(dentry), |&at| (!self.is_filesystem_root(at)).then(|| self.dentries[at].parent))
            .count()
    }

    /// The child of `top` that `dentry` is or is below; nothing when it is not below `top`.
    pub(crate) fn step_below(&self, top: DentryKey, dentry: DentryKey) -> Option<DentryKey> {
        let mut at = dentry;
        loop {
            let parent = self.dentries[at].parent;
            if parent == at {
                return None;
            }
            if parent == top {
                return Some(at);
            }
            at = parent;
        }
    }

    pub(crate) fn hold_dentry(&mut self, dentry: DentryKey) {
        self.dentries[dentry].holders += 1;
    }

    /// One holder less; the last one frees it, and then its inode and its hold on its parent.
    pub(crate) fn drop_dentry(&mut self, dentry: DentryKey) {
        let mut at = dentry;
        loop {
            let object = &mut self.dentries[at];
            object.holders -= 1;
            if object.holders > 0 {
                return;
            }
            let (parent, inode) = (object.parent, object.inode);
            self.dentries.remove(at);
            self.drop_inode(inode);
            if parent == at {
                return;
            }
            at = parent;
        }
    }

    fn drop_inode(&mut self, key: InodeKey) {
        let inode = &mut self.inodes[key];
        inode.dentries -= 1;
        if inode.dentries == 0 {
            if inode.links == 0 {
                let superblock = inode.superblock;
                self.superblocks[superblock].removed_in_use -= 1;
            }
            self.inodes.remove(key);
        }
    }
}
