//! The Linux backend on this machine's kernel, with all calls and with those of older kernels.

use libtest_mimic::Trial;
use mountwright_linux::{Call, Linux, LinuxBackend, SyscallSet};
use mountwright_tests::contract::Case;
use mountwright_tests::kernel_trials::KernelTrials;

use crate::syscall_sets::{limited, syscall_sets};

/// The case on each backend.
pub(crate) fn trials(kernel: &KernelTrials, area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    let on_proc = |syscalls: SyscallSet| !syscalls.allows(Call::Fsopen) || !syscalls.allows(Call::Openat2);
    let worlds = syscall_sets().map(|(name, syscalls)| (name, syscalls, on_proc(syscalls)));
    let worlds = worlds.into_iter().chain([(", procfs at /proc", SyscallSet::ALL, true)]);
    worlds.map(move |(name, syscalls, on_proc)| {
        let linux = if on_proc { Linux::new().with_procfs_at_proc_only() } else { Linux::new() };
        let name = format!("kernel{name}: {area}: {}", case.rule());
        kernel.contract_trial(name, case, move || limited(LinuxBackend::over(linux), syscalls))
    })
}
