//! The example `container`: bundles run as root and without, on the kernel and on the model, and bundles that cannot run.
//!
//! The target runs itself as the command, so that what is tested is never older than what is built.

#[allow(dead_code, unused_imports)]
#[path = "../main.rs"]
mod command;

mod bad;
mod bundle;
mod running;
mod shown;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::as_command::command_words;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::namespace;

/// A case.
struct Case {
    name: &'static str,
    /// True of a case in which a process runs: it needs the machine's root, and busybox.
    runs: bool,
    run: fn() -> Result<(), Failed>,
}

fn main() -> ExitCode {
    if let Some(words) = command_words() {
        return command::run_with(words);
    }
    let arguments = Arguments::from_args();
    // Before the first thread starts: no other process mounts anything in this namespace.
    let lacking = match namespace::enter() {
        Err(none) => Some(none.to_string()),
        Ok(namespace::Privilege::UserNamespace) => Some("only the machine's own root may".to_owned()),
        Ok(namespace::Privilege::Root) if bundle::busybox().is_none() => Some("busybox is missing".to_owned()),
        Ok(namespace::Privilege::Root) => None,
    };
    let cases = running::CASES.iter().chain(shown::CASES).chain(bad::CASES);
    let trials = cases.map(|case| {
        let lacking = lacking.clone().filter(|_| case.runs);
        Trial::ignorable_test(case.name, move || match lacking {
            Some(reason) => not_run(&reason),
            None => (case.run)().map(|()| Completion::Completed),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
