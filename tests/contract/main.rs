//! The contract of the ports, on every backend: one list of cases, each in a fresh world.
//!
//! Kernel cases run in a mount namespace of this process's own, each on a thread and in a namespace of its own again. Where
//! that is not allowed they are shown as ignored, with the reason; the last line counts them. With
//! `MOUNTWRIGHT_REQUIRE_KERNEL` set they fail instead.

mod kernel;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mountwright_tests::contract::cases;

use kernel::Kernel;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = Kernel::enter(&arguments);
    let trials: Vec<Trial> = cases().flat_map(|(area, case)| kernel.trials(area, case)).collect();
    let exit_code = libtest_mimic::run(&arguments, trials).exit_code();
    if !arguments.list {
        println!("{kernel}");
    }
    exit_code
}
