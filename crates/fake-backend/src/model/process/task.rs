//! Processes: what each has.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::mounts::namespace::NamespaceKey;
use crate::model::process::open_file::FileKey;
use crate::model::process::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::path::Place;
use crate::{Credentials, Machine, Pid};

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) namespace: NamespaceKey,
    pub(crate) user_ns: UserNs,
    pub(crate) credentials: Credentials,
    pub(crate) root: Place,
    pub(crate) current_dir: Place,
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

impl Machine {
    /// # Errors
    /// `ESRCH`: no such process.
    pub(crate) fn task(&self, pid: Pid) -> Result<&Task, Errno> {
        self.tasks.get(&pid).map(|task| &**task).ok_or(Errno::ESRCH)
    }

    pub(crate) fn task_mut(&mut self, pid: Pid) -> Result<&mut Task, Errno> {
        self.tasks.get_mut(&pid).map(Arc::make_mut).ok_or(Errno::ESRCH)
    }
}
