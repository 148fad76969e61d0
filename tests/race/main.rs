//! Races on the kernel: a guest that exchanges names while its directories are shared and unshared, and a process that
//! tries to write through a read-only bind while it is made.
//!
//! Each attack takes a second, with `MOUNTWRIGHT_LONG` a minute; the writer meets 1,000 binds, with `MOUNTWRIGHT_LONG` 10,000.

mod attack;
mod exchange;
mod guarded;
mod outside;
mod setting;
mod shared;
mod writer;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each attack has threads of its own, and needs the processors.
    arguments.test_threads.get_or_insert(1);
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let mut trials: Vec<_> = attack::all()
        .into_iter()
        .map(|attack| kernel.trial_of(format!("no escape while {attack}"), false, move || exchange::race(attack)))
        .collect();
    for setting in writer::SETTINGS {
        trials.push(kernel.trial_of(
            format!("no write through a read-only bind in the making, {}", setting.name),
            false,
            move || {
                writer::race(setting);
            },
        ));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
