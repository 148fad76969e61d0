//! The plan of a container's root filesystem: the names that it says it will create.

mod creates;
mod specs;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// A case for the model, by name.
type Case = (&'static str, fn());

fn main() -> ExitCode {
    let trials = creates::CASES.iter().map(|(name, run)| {
        Trial::test(*name, move || {
            run();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
