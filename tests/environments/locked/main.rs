//! Root in a user namespace, among mounts that were there before: their flags are locked, and so are they.
//!
//! Each case runs in a process of its own, which makes mounts and then enters a nested user namespace: once with every
//! call of this kernel, and once for each older set of calls.

mod cases;
mod place;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::worker_process;
use serde::{Deserialize, Serialize};

use cases::CASES;

/// The task of a process: one case with one set of system calls, both by their index.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Request {
    case: usize,
    syscalls: usize,
}

/// The result of a process.
#[derive(Serialize, Deserialize)]
enum Reply {
    Holds,
    Broken(String),
    CouldNot(String),
}

/// Names, as they follow the rule, and which calls may be used.
fn syscall_sets() -> [(&'static str, SyscallSet); 4] {
    let common = SyscallSet::ALL.without(Call::Statmount).without(Call::OpenTreeAttr);
    [
        ("", SyscallSet::ALL),
        (", calls of 5.12", common),
        (", calls of 5.2", common.without(Call::MountSetattr).without(Call::Openat2)),
        (", calls of 4.18", SyscallSet::NONE),
    ]
}

fn main() -> ExitCode {
    if worker_process::serve_if_asked(serve) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (case, (rule, _)) in CASES.iter().enumerate() {
        for (syscalls, (name, _)) in syscall_sets().iter().enumerate() {
            trials.push(Trial::ignorable_test(format!("{rule}{name}"), move || {
                match worker_process::ask(&Request { case, syscalls })? {
                    Reply::Holds => Ok(libtest_mimic::Completion::Completed),
                    Reply::Broken(why) => Err(Failed::from(why)),
                    Reply::CouldNot(reason) => not_run(&reason),
                }
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn serve(request: Request) -> Reply {
    if let Err(reason) = place::make() {
        return Reply::CouldNot(reason.to_string());
    }
    let backend = LinuxBackend::new().with_syscalls(syscall_sets()[request.syscalls].1);
    let run = CASES[request.case].1;
    match std::panic::catch_unwind(|| run(&backend)) {
        Ok(()) => Reply::Holds,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Reply::Broken(text.unwrap_or_default())
        }
    }
}
