//! A sandbox on the model: each namespace of the scenario is a process of the modelled machine.

use mountwright_core::Errno;
use mountwright_fake::{IdRange, Machine, Pid, abi};

use super::model_calls::ModelCalls;
use super::performer::Performer;
use super::scenario_world::{Sandbox, ScenarioWorld, broken};
use crate::scenario::returned::Returned;
use crate::scenario::{CannotRun, Step};

/// A machine of the model, fresh, with one process in each namespace of the scenario.
pub type FakeWorld = ScenarioWorld<Machine>;

/// A process of the model, with the descriptors of the scenario.
#[derive(Clone, Debug)]
pub struct ModelProcess {
    pub(super) pid: Pid,
    performer: Performer,
}

impl ModelProcess {
    fn of(pid: Pid) -> Self {
        Self { pid, performer: Performer::default() }
    }
}

impl Default for FakeWorld {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeWorld {
    /// A fresh machine.
    pub fn new() -> Self {
        let mut machine = Machine::new();
        // The sandbox on the kernel is a tmpfs that was mounted without options, and the machine's root directory need not be.
        let made = machine.fchmodat(Machine::INIT, abi::AT_FDCWD, b"/", 0o1777, 0);
        debug_assert_eq!(made, Ok(()), "the first process owns the root");
        Self::over(machine, ModelProcess::of(Machine::INIT))
    }
}

impl Sandbox for Machine {
    type Process = ModelProcess;

    fn start(&mut self, of: &ModelProcess, user: bool) -> Result<Result<ModelProcess, Errno>, CannotRun> {
        let pid = self.fork(of.pid).map_err(|errno| broken("fork", errno))?;
        for fd in self.descriptors(pid).map_err(|errno| broken("the list of descriptors", errno))? {
            self.close(pid, fd).map_err(|errno| broken("close", errno))?;
        }
        let flags = if user { abi::CLONE_NEWNS | abi::CLONE_NEWUSER } else { abi::CLONE_NEWNS };
        if let Err(errno) = self.unshare(pid, flags) {
            self.exit(pid).map_err(|errno| broken("exit", errno))?;
            return Ok(Err(errno));
        }
        if user {
            let one = |id| IdRange { inside: id, outside: id, count: 1 };
            self.set_id_map(pid, vec![one(0), one(65534)]).map_err(|errno| broken("uid_map", errno))?;
        }
        self.chdir(pid, abi::AT_FDCWD, b"/").map_err(|errno| broken("chdir", errno))?;
        Ok(Ok(ModelProcess::of(pid)))
    }

    fn end(&mut self, process: ModelProcess) -> Result<(), CannotRun> {
        self.exit(process.pid).map_err(|errno| broken("exit", errno))
    }

    fn perform(
        &mut self,
        process: &mut ModelProcess,
        step: &Step,
        filesystem: u64,
    ) -> Result<Result<Returned, Errno>, CannotRun> {
        let mut calls = ModelCalls { machine: self, pid: process.pid };
        process.performer.perform(&mut calls, step, filesystem)
    }

    fn table(&mut self, process: &mut ModelProcess) -> Result<Vec<u8>, CannotRun> {
        self.mountinfo(process.pid).map_err(|errno| broken("mountinfo", errno))
    }
}
