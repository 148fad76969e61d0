//! The root of a container, planned and built: on the model and on the kernel, with failures and deaths at each system call.

mod building;
mod creates;
mod disturbed;
mod dying;
mod dying_on_kernel;
mod entering;
mod specs;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mountwright_tests::kernel_trials::KernelTrials;

/// A case for the model, by name.
type Case = (&'static str, fn());

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let cases =
        creates::CASES.iter().chain(building::CASES).chain(dying::CASES).chain(disturbed::CASES).chain(entering::CASES);
    let on_model = cases.map(|(name, run)| {
        Trial::test(*name, move || {
            run();
            Ok(())
        })
    });
    let on_kernel = building::ON_KERNEL.iter().chain(dying_on_kernel::ON_KERNEL).map(|case| kernel.trial(*case));
    libtest_mimic::run(&arguments, on_model.chain(on_kernel).collect()).exit_code()
}
