//! What may happen between two system calls of the Linux backend, made to happen there, on the kernel.
//!
//! The search over the model tries every moment; here are those that were once answered wrongly, and those in which the
//! kernel itself has to be seen.

mod acting;
mod binds;
mod contexts;
mod copies;
mod machine;
mod staging;
mod unmounts;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let cases = [binds::CASES, contexts::CASES, copies::CASES, staging::CASES, unmounts::CASES].concat();
    libtest_mimic::run(&arguments, cases.into_iter().map(|case| kernel.trial(case)).collect()).exit_code()
}
