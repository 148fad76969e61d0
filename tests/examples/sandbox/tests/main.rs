//! The example `sandbox`: its story on both backends, bad input, and what is left of it when it is interrupted.
//!
//! The target runs itself as the command, so that what is tested is never older than what is built.

// Its unit tests run with the example.
#[allow(dead_code, unused_imports)]
#[path = "../main.rs"]
mod command;

mod bad_input;
mod expected;
mod interrupted;
mod running;
mod shown;
mod stories;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_tests::as_command::command_words;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::namespace;

use running::share_all;

/// A case; on the kernel where it says so.
struct Case {
    name: &'static str,
    on_kernel: bool,
    run: fn() -> Result<(), Failed>,
}

fn main() -> ExitCode {
    if let Some(words) = command_words() {
        return command::run_with(words);
    }
    let arguments = Arguments::from_args();
    // Before the first thread starts: the stories begin in a namespace in which no other process mounts anything. Its
    // mounts are shared, so that a story with an effect outside would show.
    let namespace = namespace::enter().map_err(|none| none.to_string()).and_then(|_| share_all());
    let cases = [bad_input::cases(), stories::cases(), interrupted::cases(), shown::cases()].into_iter().flatten();
    let trials = cases
        .map(|case| {
            let namespace = namespace.clone();
            Trial::ignorable_test(case.name, move || match namespace {
                Err(reason) if case.on_kernel => not_run(&reason),
                _ => (case.run)().map(|()| libtest_mimic::Completion::Completed),
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
