//! An open file.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi;
use crate::model::objects::dentry::Name;
use crate::model::objects::filesystem_context::FilesystemContext;
use crate::model::objects::path::Place;

/// An open file: the object that descriptors made by `dup` and `fork` share.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) place: Place,
    /// Access mode and status flags.
    pub(crate) flags: u32,
    pub(crate) position: u64,
    /// In a directory: the last name given.
    pub(crate) last_name: Option<Name>,
    pub(crate) descriptors: u32,
    /// Counted among the writers of its mount.
    pub(crate) writes: bool,
    /// The descriptor of a tree that `open_tree` cloned: closing it unmounts the tree, unless it was attached.
    pub(crate) ends_tree: bool,
    /// Open at a port: the token of the handle that closes it.
    pub(crate) port_token: Option<u64>,
    /// Holds the lock (flock(2)) of its inode.
    pub(crate) locked: bool,
    /// The context of a descriptor from `fsopen` or `fspick`.
    pub(crate) context: Option<Arc<FilesystemContext>>,
}

impl OpenFile {
    /// # Errors
    /// `EBADF`: opened with `O_PATH`.
    pub(crate) const fn check_usable(&self) -> Result<(), Errno> {
        if self.flags & abi::O_PATH == 0 { Ok(()) } else { Err(Errno::EBADF) }
    }
}
