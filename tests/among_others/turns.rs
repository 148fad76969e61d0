//! Two callers that take turns at system calls.

use mountwright_fake::test_kit::{Interposed, Moment, Schedule, take_turns};
use mountwright_fake::{ModelKernel, SharedMachine};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};

use crate::host::Host;
use crate::operations::{Answer, Before, Operation, Ports};

/// Result of two callers.
pub(crate) struct Ran {
    pub(crate) host: Host,
    pub(crate) answers: [Answer; 2],
    /// Number of segments that ended by a switch: a caller may end before.
    pub(crate) used: usize,
    pub(crate) calls: [usize; 2],
    pub(crate) endless: bool,
    /// Caller and call, in order.
    pub(crate) log: Vec<(usize, Call)>,
}

/// Runs two callers by the schedule.
pub(crate) fn run(
    host: &Host,
    syscalls: SyscallSet,
    before: &Before,
    pair: [&Operation; 2],
    schedule: &Schedule,
) -> Ran {
    let machine = SharedMachine::new(host.machine.clone());
    let turned = take_turns::<Moment, _>(schedule, |side, turn| {
        let kernel = Interposed::new(ModelKernel::new(machine.clone(), host.callers[side]), turn);
        (pair[side].run)(Ports::of(&LinuxBackend::over(kernel).with_syscalls(syscalls)), before, side)
    });
    let log = turned.log.into_iter().map(|(side, moment)| (side, moment.call)).collect();
    let host = Host { machine: machine.lock().clone(), ..host.clone() };
    Ran { host, answers: turned.results, used: turned.used, calls: turned.calls, endless: turned.endless, log }
}
