//! A mount and its links.

use std::sync::Arc;

use crate::model::keys::{DentryKey, MountKey, NamespaceKey, SuperKey};
use crate::model::objects::captured_line::CapturedLine;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::user_namespace::UserNs;

/// A subtree of a filesystem, attached to a dentry of another mount. The links are lists threaded through the mounts,
/// in the kernel's order: it decides the order of copies and so of mount tables.
// The switches are independent of each other, and `mount_point` is the usual term.
#[allow(clippy::struct_excessive_bools, clippy::struct_field_names)]
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// Mountinfo's first column: the lowest free number, used again.
    pub(crate) id: u32,
    /// Never used again.
    pub(crate) unique_id: u64,
    pub(crate) superblock: SuperKey,
    pub(crate) root: DentryKey,
    pub(crate) flags: MountFlags,
    /// The source argument; `None` prints as `none`.
    pub(crate) source: Option<Arc<[u8]>>,
    /// The namespace it is in: nothing before it is attached and after it was unmounted.
    pub(crate) namespace: Option<NamespaceKey>,

    pub(crate) parent: Option<MountKey>,
    /// The parent's id from a captured text without that parent, until the mount is moved.
    pub(crate) shown_parent: Option<u32>,
    /// The user namespace whose map its owners go through.
    pub(crate) id_map: Option<UserNs>,
    /// The parts of its captured line that the model would print otherwise.
    pub(crate) captured: Option<Arc<CapturedLine>>,
    /// The dentry on the parent; its own root while it has no parent.
    pub(crate) mount_point: DentryKey,
    /// A walk finds it at its mount point.
    pub(crate) visible: bool,
    pub(crate) first_child: Option<MountKey>,
    pub(crate) last_child: Option<MountKey>,
    pub(crate) previous_sibling: Option<MountKey>,
    pub(crate) next_sibling: Option<MountKey>,
    /// The child that covers the whole of it.
    pub(crate) cover: Option<MountKey>,

    pub(crate) shared: bool,
    pub(crate) unbindable: bool,
    /// The peer group, 0 for none.
    pub(crate) group: u32,
    /// The ring of peers; itself when alone.
    pub(crate) next_peer: MountKey,
    pub(crate) previous_peer: MountKey,
    /// The master that it receives events from, if it is a slave.
    pub(crate) master: Option<MountKey>,
    pub(crate) first_slave: Option<MountKey>,
    pub(crate) previous_slave: Option<MountKey>,
    pub(crate) next_slave: Option<MountKey>,

    /// Open files, working directories and roots in it.
    pub(crate) holders: u32,
    /// Files open for writing through it.
    pub(crate) writers: u32,
    /// Set by `MNT_EXPIRE`, cleared by any use.
    pub(crate) expire_mark: bool,
    /// It was, or is being, unmounted.
    pub(crate) unmounted: bool,
}
