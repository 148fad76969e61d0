//! A descriptor of a modelled process.

use crate::model::objects::pid::Pid;
use crate::model_kernel::shared_machine::SharedMachine;

/// An open descriptor of a modelled process. Dropping it closes it, unless its process has ended.
#[derive(Debug)]
pub struct ModelFd {
    machine: SharedMachine,
    process: Pid,
    number: i32,
    token: u64,
}

impl ModelFd {
    pub(super) fn new(machine: SharedMachine, process: Pid, number: i32, token: u64) -> Self {
        Self { machine, process, number, token }
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.number
    }
}

impl Drop for ModelFd {
    fn drop(&mut self) {
        self.machine.lock().close_at_port(self.process, self.number, self.token);
    }
}
