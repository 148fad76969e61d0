//! The library verifies the objects that it reads: a procfs that is missing or false, a full table of descriptors,
//! names longer than other filesystems have, automount points.
//!
//! One case after the other: some lower a limit of the whole process.

mod automount;
mod descriptors;
mod names;
mod owner_maps;
mod procfs;

use std::process::ExitCode;

use libtest_mimic::Arguments;
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    arguments.test_threads = Some(1);
    let cases = procfs::CASES
        .iter()
        .chain(descriptors::CASES)
        .chain(names::CASES)
        .chain(automount::CASES)
        .chain(owner_maps::CASES);
    libtest_mimic::run(&arguments, cases.map(|case| kernel.trial(*case)).collect()).exit_code()
}
