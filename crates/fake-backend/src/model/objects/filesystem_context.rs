//! A filesystem that is being configured: the object of `fsopen` and `fspick`.

use crate::model::filesystems::filesystem_type::FilesystemType;
use crate::model::filesystems::options::SuperblockOptions;
use crate::model::keys::SuperKey;

/// A filesystem context, behind a descriptor.
#[derive(Clone, Debug)]
pub(crate) struct FilesystemContext {
    pub(crate) phase: Phase,
    /// The type given to `fsopen`; `None` for a context of `fspick`.
    pub(crate) fs_type: Option<FilesystemType>,
    pub(crate) options: SuperblockOptions,
    /// The superblock, once there is one. Held, as a mount holds it.
    pub(crate) superblock: Option<SuperKey>,
    /// Messages that were logged and not read yet, as `read` returns them.
    pub(crate) log: Vec<Vec<u8>>,
}

/// The next step that a context accepts.
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
