//! The model: the fake as each kernel, and the Linux backend with fewer of the system calls of the newest.

use libtest_mimic::Trial;
use mountwright_fake::{FakeBackend, KernelVersion, ModelKernel};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::contract::{Case, play_on_model, play_roots_on_model};

use crate::syscall_sets::{limited, syscall_sets};

/// The case on each backend that needs no kernel.
pub(crate) fn trials(area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    let fakes = KernelVersion::ALL.into_iter().map(move |version| {
        Trial::test(format!("the fake as {version}: {area}: {}", case.rule()), move || {
            play_on_model(case, |machine, process| {
                machine.lock().set_kernel_version(version);
                (FakeBackend::over(machine.shared(), process), version.has(Call::MountSetattr))
            });
            Ok(())
        })
    });
    // With every call it is the same as the fake.
    let fewer_calls = syscall_sets().into_iter().filter(|(_, syscalls)| *syscalls != SyscallSet::ALL);
    let linux = fewer_calls.map(move |(name, syscalls)| {
        Trial::test(format!("Linux on the model{name}: {area}: {}", case.rule()), move || {
            play_on_model(case, |machine, process| {
                limited(LinuxBackend::over(ModelKernel::new(machine.clone(), process)), syscalls)
            });
            Ok(())
        })
    });
    fakes.chain(linux)
}

/// The case of the port to the root of the process on each of them.
pub(crate) fn root_trials(area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    let fakes = KernelVersion::ALL.into_iter().map(move |version| {
        Trial::test(format!("the fake as {version}: {area}: {}", case.rule()), move || {
            play_roots_on_model(case, |machine, process| {
                machine.lock().set_kernel_version(version);
                (FakeBackend::over(machine.shared(), process), version.has(Call::MountSetattr))
            });
            Ok(())
        })
    });
    let linux = syscall_sets().into_iter().filter(|(_, syscalls)| *syscalls != SyscallSet::ALL);
    let linux = linux.map(move |(name, syscalls)| {
        Trial::test(format!("Linux on the model{name}: {area}: {}", case.rule()), move || {
            play_roots_on_model(case, |machine, process| {
                limited(LinuxBackend::over(ModelKernel::new(machine.clone(), process)), syscalls)
            });
            Ok(())
        })
    });
    fakes.chain(linux)
}
