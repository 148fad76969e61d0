//! Each system call in turn fails with each errno it can give, on the kernel; afterwards the mount table, the files and the
//! open descriptors are as before or as after the whole run, or the error names exactly what is left.
//!
//! The calls fail in a decorator around the kernel. That it sees every system call that a process makes is a case of its own:
//! the process is traced, and what the kernel saw is compared with what the decorator saw.
//!
//! Short by default: with the newest and the oldest set of system calls, below a shared parent, two errors a call. `MOUNTWRIGHT_LONG=1`: every
//! set and every error, below a private parent too.

mod complete;
mod matrix;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::contract::Needs;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::kernel_trials::KernelTrials;
use mountwright_tests::searched::{Tallies, operation, syscall_sets};
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process;

fn main() -> ExitCode {
    if worker_process::serve_if_asked(complete::serve) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let long = Settings::read().long;
    // Asked while this process has one thread.
    let kernel = KernelTrials::enter(&arguments);
    let tallies = Arc::new(Tallies::default());
    let mut trials = Vec::new();
    for operation in operation::all() {
        let tallies = Arc::clone(&tallies);
        trials.push(kernel.trial_with_roots(operation.name.to_owned(), Needs::Namespace, move || {
            matrix::search(operation, long, &tallies)
        }));
    }
    for set in syscall_sets(false) {
        let name = format!("the decorator sees every system call that a process makes, set {}", set.name);
        trials.push(Trial::ignorable_test(name, move || complete(set.name)));
    }
    let exit_code = libtest_mimic::run(&arguments, trials).exit_code();
    let mut all = mountwright_tests::searched::Tally::default();
    for (name, tally) in tallies.all() {
        println!("{name:<44}{:>6} runs, {} violations", tally.runs, tally.violations());
        all.add(&tally);
    }
    println!("{:<44}{all}", "all");
    exit_code
}

fn complete(set: &'static str) -> Result<Completion, Failed> {
    let reply: complete::Reply = worker_process::ask(&set.to_owned())?;
    match reply {
        complete::Reply::NotRun(reason) => not_run(&reason),
        complete::Reply::Unseen(unseen) if unseen.is_empty() => Err("nothing was traced".into()),
        complete::Reply::Unseen(unseen) => Err(unseen.join("\n").into()),
        complete::Reply::AllSeen { operations, calls, decorated } => {
            println!(
                "set {set}: {operations} operations made {calls} system calls, {decorated} through the decorator; the others close, allocate, and look once whether /proc is real"
            );
            Ok(Completion::Completed)
        }
    }
}
