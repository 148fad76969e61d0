//! A process.

use crate::model::keys::{FileKey, NamespaceKey};
use crate::model::objects::credentials::Credentials;
use crate::model::objects::path::Place;
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) namespace: NamespaceKey,
    pub(crate) user_ns: UserNs,
    pub(crate) credentials: Credentials,
    pub(crate) root: Place,
    pub(crate) current_dir: Place,
    /// Permission bits that new files do not get.
    pub(crate) umask: u32,
    pub(crate) descriptors: SortedMap<i32, FileKey>,
}

impl Task {
    /// The lowest free descriptor, `from` or above.
    pub(crate) fn lowest_descriptor(&self, from: i32) -> i32 {
        let mut free = from;
        for (&fd, _) in self.descriptors.after(&(from - 1)) {
            if fd != free {
                break;
            }
            free += 1;
        }
        free
    }
}
