//! Names in directories.

use std::borrow::Borrow;
use std::sync::Arc;

use crate::model::keys::{DentryKey, InodeKey, MountKey};

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
    /// Mounts attached here, the newest first.
    pub(crate) mounted: Vec<MountKey>,
    /// The number of references: its directory, dentries below it, mounts (as root or mount point), open files,
    /// processes.
    pub(crate) holders: u32,
}
