//! The contract suite where a filter denies calls, and where the kernel leaves fields out.
//!
//! * A seccomp filter on the case's own thread denies one of the newer calls, or all, with `EPERM`, as a container runtime's
//!   profile does; with `MOUNTWRIGHT_LONG=1` with `ENOSYS` too. That both count as absent is a case of its own.
//! * A filter cannot remove a field from a result: a wrapper around the kernel does that, so that it looks like an
//!   older one.

mod denied;
mod filter;
mod missing_answers;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::contract::cases;
use mountwright_tests::kernel_trials::KernelTrials;
use mountwright_tests::settings::Settings;

use denied::denials;
use missing_answers::{Lacking, MissingAnswers};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let long = Settings::read().long;
    let mut trials: Vec<Trial> = Vec::new();
    for (area, case) in cases() {
        trials.extend(denials(long).map(|denied| {
            kernel.contract_trial(format!("{denied}: {area}: {}", case.rule()), case, move || {
                denied.apply_to_this_thread();
                let backend = LinuxBackend::new();
                let changes_trees = backend.uses(Call::MountSetattr);
                (backend, changes_trees)
            })
        }));
        trials.extend(Lacking::all().map(|lacking| {
            kernel.contract_trial(format!("{lacking}: {area}: {}", case.rule()), case, move || {
                let backend = LinuxBackend::over(MissingAnswers::new(Linux::new(), lacking));
                let backend = backend.with_syscalls(lacking.syscalls());
                let changes_trees = backend.uses(Call::MountSetattr);
                (backend, changes_trees)
            })
        }));
    }
    trials.extend(denied::CASES.iter().map(|case| kernel.trial(*case)));
    libtest_mimic::run(&arguments, trials).exit_code()
}
