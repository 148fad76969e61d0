//! One caller, with an act of others between two of its system calls.

use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::Errno;
use mountwright_fake::test_kit::{Between, Budget, Interposed, Moment};
use mountwright_fake::{ModelKernel, Pid, SharedMachine};
use mountwright_linux::{LinuxBackend, SyscallSet};

use crate::host::Host;
use crate::operations::{Answer, Ports};

/// Result of one caller.
pub(crate) struct Lone {
    pub(crate) host: Host,
    pub(crate) answer: Answer,
    pub(crate) calls: usize,
    pub(crate) endless: bool,
    /// The machine right before and right after the act of others.
    pub(crate) acted: Option<[Host; 2]>,
}

/// An act of others.
pub(crate) type Act = fn(&mut Host) -> Result<(), Errno>;

/// Acts after this many calls of the caller.
struct ActOfOthers {
    machine: SharedMachine,
    host: Host,
    after: usize,
    act: Act,
    /// The machine right before and right after it.
    done: Arc<Mutex<Option<[Host; 2]>>>,
}

impl Between for ActOfOthers {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if moment.number >= self.after && !moment.probe && done.is_none() {
            let mut machine = self.machine.lock();
            let before = Host { machine: machine.clone(), ..self.host.clone() };
            let mut after = before.clone();
            // An act that is impossible at this moment is skipped.
            if (self.act)(&mut after).is_err() {
                after = before.clone();
            }
            machine.clone_from(&after.machine);
            *done = Some([before, after]);
        }
        Ok(())
    }
}

/// Runs one operation of one process.
pub(crate) fn alone(host: &Host, caller: Pid, syscalls: SyscallSet, run: &dyn Fn(Ports<'_>) -> Answer) -> Lone {
    beside(host, caller, syscalls, run, None)
}

/// The same, with an act of others after this many of its calls.
pub(crate) fn beside(
    host: &Host,
    caller: Pid,
    syscalls: SyscallSet,
    run: &dyn Fn(Ports<'_>) -> Answer,
    act: Option<(usize, Act)>,
) -> Lone {
    let machine = SharedMachine::new(host.machine.clone());
    let budget = Arc::new(Budget::default());
    let done = Arc::default();
    let act = act.map(|(after, act)| {
        let done = Arc::clone(&done);
        ActOfOthers { machine: machine.clone(), host: host.clone(), after, act, done }
    });
    let calls = Interposed::new(ModelKernel::new(machine.clone(), caller), (Arc::clone(&budget), act));
    let backend = LinuxBackend::over(calls.clone()).with_syscalls(syscalls);
    let answer = run(Ports::of(&backend));
    drop(backend);
    let made = calls.calls_made();
    let machine = machine.lock().clone();
    let acted = done.lock().unwrap_or_else(PoisonError::into_inner).take();
    Lone { host: Host { machine, ..host.clone() }, answer, calls: made, endless: budget.is_spent(), acted }
}
