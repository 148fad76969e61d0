//! The contract of the ports, on every backend: one list of cases, each in a fresh world.
//!
//! Kernel cases run in a mount namespace of this process's own, each on a thread and in a namespace of its own again. Where
//! that is not allowed they are shown as ignored, with the reason. With `MOUNTWRIGHT_REQUIRE_KERNEL` set they fail instead.

mod kernel;
mod model;
mod syscall_sets;

use std::collections::BTreeSet;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_tests::contract::{cases, root_cases};
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let everywhere = |(area, case)| kernel::trials(&kernel, area, case).chain(model::trials(area, case));
    let mut trials: Vec<Trial> = cases().flat_map(everywhere).collect();
    let everywhere = |(area, case)| kernel::root_trials(&kernel, area, case).chain(model::root_trials(area, case));
    trials.extend(root_cases().flat_map(everywhere));
    trials.push(Trial::test("every rule is said once", every_rule_is_said_once));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Two cases with one name could not be distinguished in a report.
fn every_rule_is_said_once() -> Result<(), Failed> {
    let mut said = BTreeSet::new();
    match cases().chain(root_cases()).find(|(area, case)| !said.insert((*area, case.rule()))) {
        Some((area, case)) => Err(format!("twice: {area}: {}", case.rule()).into()),
        None => Ok(()),
    }
}
