//! Dentries: names in directories, and the places where mounts are attached.

use crate::model::keys::{DentryKey, InodeKey};
use crate::model::machine::Machine;

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

    /// The number of dentries from the root of its filesystem to this one, both included.
    pub(crate) fn depth(&self, dentry: DentryKey) -> usize {
        std::iter::successors(Some(dentry), |&at| (!self.is_filesystem_root(at)).then(|| self.dentries[at].parent))
            .count()
    }

    /// Returns the child of `top` that `dentry` is or is below; `None` if it is not below `top`.
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

    /// Removes one reference; the last one frees the dentry, and then its inode and its reference to its parent.
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
