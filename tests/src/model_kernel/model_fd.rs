//! A descriptor of a modelled process.

use mountwright_fake::Pid;

use super::SharedMachine;

/// An open descriptor of a modelled process; dropping it closes it, unless the process is gone by then.
#[derive(Debug)]
pub struct ModelFd {
    machine: SharedMachine,
    process: Pid,
    number: i32,
}

impl ModelFd {
    pub(super) fn new(machine: SharedMachine, process: Pid, number: i32) -> Self {
        Self { machine, process, number }
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.number
    }
}

impl Drop for ModelFd {
    fn drop(&mut self) {
        self.machine.drop_locks((self.process, self.number));
        // Fails only where the process has ended, which has closed it.
        let _ = self.machine.lock().close(self.process, self.number);
    }
}
