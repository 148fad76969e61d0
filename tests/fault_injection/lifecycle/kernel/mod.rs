//! The same on the kernel that runs the test, each run in a mount namespace of its own.

mod containers;
mod real;
mod system_calls;

use libtest_mimic::Trial;
use mountwright_tests::kernel_trials::KernelTrials;

use crate::stories::stories;
use crate::table::Table;

pub(crate) fn trials(kernel: &KernelTrials, table: &Table) -> Vec<Trial> {
    let mut trials: Vec<Trial> = stories().flat_map(|story| system_calls::trials(kernel, story, table)).collect();
    trials.extend(containers::CASES.iter().map(|&case| kernel.trial(case)));
    trials
}
