//! Directories and files that requests in a tree have created as targets; they are removed with the tree.

use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_core::error::Leftover;

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::created_targets::{Created, Made, Removal};
use crate::syscalls::abi::{O_DIRECTORY, O_PATH};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};
use crate::trees::root::CreatedInTree;

impl<K: Kernel> LinuxBackend<K> {
    /// Keeps what a request in a tree has created, until the tree is committed or discarded.
    pub(crate) fn keep_created(&self, created: &Created<K::Fd>) {
        let Some(tree) = self.tree() else { return };
        let kept = created.made().iter().map(|made| CreatedInTree {
            path: made.shown.strip_prefix(&tree.shown).unwrap_or(&made.shown).to_path_buf(),
            shown: made.shown.clone(),
            is_directory: made.sort == Sort::Directory,
            identity: made.identity,
            on: made.on.or_else(|| self.mount_of_fd(&made.parent).ok()),
        });
        tree.created().extend(kept);
    }

    /// Discards the tree whose backend is `inside`, then removes what was created for it, innermost first, one name at a
    /// time, in the directory that the tree was a copy of. The failure names what stays. A new filesystem is gone with all that
    /// was created in it.
    pub(crate) fn remove_created(&self, inside: Self, source: &Arc<K::Fd>, fault: Option<Fault>) -> Option<Fault> {
        let (created, parts) = match inside.tree() {
            Some(tree) => (std::mem::take(&mut *tree.created()), tree.parts().clone()),
            None => (Vec::new(), Vec::new()),
        };
        // Closes the descriptor of a detached tree, which the kernel then unmounts.
        drop(inside);
        let is_gone = |made: &CreatedInTree| parts.iter().any(|part| part.closed && Some(part.mount) == made.on);
        created.into_iter().rev().filter(|made| !is_gone(made)).fold(fault, |fault, made| {
            let stays = match self.remove_one(source, &made) {
                Ok(Removal::Removed) => return fault,
                Ok(_) => Fault::new(Call::Unlinkat, Errno::EBUSY),
                Err(stays) => stays,
            };
            let left = if made.is_directory { Leftover::Directory(made.shown) } else { Leftover::File(made.shown) };
            Some(fault.unwrap_or(stays).leaving(left))
        })
    }

    fn remove_one(&self, source: &Arc<K::Fd>, made: &CreatedInTree) -> Step<Removal> {
        let (Some(above), Some(name)) = (made.path.parent(), made.path.file_name()) else { return Ok(Removal::Kept) };
        if made.identity.is_none() {
            return Ok(Removal::Kept);
        }
        let parent = Arc::new(self.in_root(source, above, O_PATH | O_DIRECTORY)?);
        let sort = if made.is_directory { Sort::Directory } else { Sort::File };
        let (name, shown, identity) = (name.to_owned(), made.shown.clone(), made.identity);
        let made = Made { parent, name, sort, shown, identity, on: made.on };
        Ok(self.remove_made(&made))
    }
}
