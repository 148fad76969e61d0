//! Events between two system calls of the Linux backend, forced there on the kernel.
//!
//! The search over the model tries every moment. These are the ones that were once handled wrongly, and those that
//! depend on the kernel itself.

mod acting;
mod binds;
mod cached;
mod contexts;
mod copies;
mod in_root;
mod machine;
mod nodes;
mod staging;
mod trees;
mod unmounts;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let cases = [
        binds::CASES,
        cached::CASES,
        contexts::CASES,
        copies::CASES,
        in_root::CASES,
        nodes::CASES,
        staging::CASES,
        trees::CASES,
        unmounts::CASES,
    ]
    .concat();
    libtest_mimic::run(&arguments, cases.into_iter().map(|case| kernel.trial(case)).collect()).exit_code()
}
