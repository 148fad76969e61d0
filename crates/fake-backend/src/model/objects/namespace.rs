//! A mount namespace.

use crate::model::keys::MountKey;
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    /// Never used again.
    pub(crate) id: u64,
    pub(crate) user_ns: UserNs,
    pub(crate) root: MountKey,
    /// By unique id: the order of mountinfo.
    pub(crate) mounts: SortedMap<u64, MountKey>,
    /// Mounts that an attach in progress is about to add.
    pub(crate) reserved: u32,
    /// Processes in it.
    pub(crate) processes: u32,
    /// No namespace of a process but that of a tree that `open_tree` cloned.
    pub(crate) detached: bool,
    /// For a detached tree: the namespace it was cloned from.
    pub(crate) origin: u64,
}
