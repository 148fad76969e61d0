//! The Linux backend on this machine's kernel, with all calls and with those of older kernels.

use libtest_mimic::Trial;
use mountwright_linux::{Call, Linux, LinuxBackend, SyscallSet};
use mountwright_tests::contract::Case;
use mountwright_tests::kernel_trials::KernelTrials;

use crate::syscall_sets::{limited, syscall_sets};

/// The case on each backend.
pub(crate) fn trials(kernel: &KernelTrials, area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    worlds().map(move |(world, syscalls, on_proc)| {
        let name = format!("kernel{world}: {area}: {}", case.rule());
        kernel.contract_trial(name, case, move || limited(LinuxBackend::over(linux(on_proc)), syscalls))
    })
}

/// The same of a case of the port to the root of the process.
pub(crate) fn root_trials(kernel: &KernelTrials, area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    worlds().map(move |(world, syscalls, on_proc)| {
        let name = format!("kernel{world}: {area}: {}", case.rule());
        kernel.root_trial(name, case, move || limited(LinuxBackend::over(linux(on_proc)), syscalls))
    })
}

fn worlds() -> impl Iterator<Item = (&'static str, SyscallSet, bool)> {
    let on_proc = |syscalls: SyscallSet| !syscalls.allows(Call::Fsopen) || !syscalls.allows(Call::Openat2);
    let worlds = syscall_sets().map(|(name, syscalls)| (name, syscalls, on_proc(syscalls)));
    worlds.into_iter().chain([(", procfs at /proc", SyscallSet::ALL, true)])
}

fn linux(on_proc: bool) -> Linux {
    if on_proc { Linux::new().with_procfs_at_proc_only() } else { Linux::new() }
}
