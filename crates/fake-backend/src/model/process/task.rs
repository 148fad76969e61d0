//! Processes and their state.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::machine::Machine;
use crate::model::objects::pid::Pid;
use crate::model::objects::task::Task;

impl Machine {
    /// # Errors
    /// `ESRCH`: no such process.
    pub(crate) fn task(&self, pid: Pid) -> Result<&Task, Errno> {
        self.tasks.get(&pid).map(|task| &**task).ok_or(Errno::ESRCH)
    }

    pub(crate) fn task_mut(&mut self, pid: Pid) -> Result<&mut Task, Errno> {
        self.tasks.get_mut(&pid).map(Arc::make_mut).ok_or(Errno::ESRCH)
    }

    /// The id of the process's mount namespace, as `statmount` and `listmount` take it.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn mount_namespace(&self, pid: Pid) -> Result<u64, Errno> {
        Ok(self.namespaces[self.task(pid)?.namespace].id)
    }

    /// The text of `/proc/PID/mountinfo`: the mounts of the process's namespace below its root, in order of age, with the
    /// kernel's escapes.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn mountinfo(&self, pid: Pid) -> Result<Vec<u8>, Errno> {
        let task = self.task(pid)?;
        Ok(self.mountinfo_text(task.namespace, task.root))
    }
}
