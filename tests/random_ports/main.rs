//! Random histories at the ports, on three worlds: the Linux backend on the kernel, the fake, and the Linux backend making
//! its system calls on the fake's model. Results, errnos and tables agree after each call.
//!
//! * `MOUNTWRIGHT_LONG`: 2,600 histories of about 20 calls instead of 250.
//! * `MOUNTWRIGHT_SEED`: the beginning; without it each run has another one, and prints it.
//! * `MOUNTWRIGHT_REQUIRE_KERNEL`: not run is a failure.
//!
//! A history that differs is made as short as possible and printed as a line for `found.jsonl`, whose lines are played
//! each time. The last output is the coverage of the run.

mod call;
mod campaign;
mod coverage;
mod draw;
mod labels;
mod place;
mod play;
mod theme;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process::{ask, serve_if_asked};

use crate::call::Call;
use crate::campaign::{Report, Request};
use crate::coverage::Coverage;

/// The number of cases; cases run side by side.
const PARTS: u32 = 4;
/// Histories that once differed, each with the name of its rule.
const FOUND: &str = include_str!("found.jsonl");

fn main() -> ExitCode {
    if serve_if_asked(|request: Request| campaign::run(&request)) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let found = match found() {
        Ok(found) => found,
        Err(error) => {
            eprintln!("random_ports: {error}");
            return ExitCode::FAILURE;
        }
    };
    let settings = Settings::read();
    let (histories, seed) = (if settings.long { 2_600 } else { 250 }, settings.seed());
    let total = Arc::new(Mutex::new(Coverage::default()));
    let mut trials: Vec<Trial> = Vec::new();
    for part in 0..PARTS {
        // The first parts take what is left over.
        let share = histories / PARTS + u32::from(part < histories % PARTS);
        let request = Request::Draw { seed: u64::from(seed) << 16 | u64::from(part), histories: share };
        trials.push(trial(format!("part_{part}"), request, &total));
    }
    for (rule, history) in found {
        trials.push(trial(format!("found: {rule}"), Request::Compare(vec![history]), &total));
    }
    if !arguments.list {
        println!("{histories} histories, MOUNTWRIGHT_SEED={seed}");
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let total = total.lock().unwrap_or_else(PoisonError::into_inner);
    if total.calls > 0 {
        println!("what the run has met:\n{}", total.table());
    }
    conclusion.exit_code()
}

fn found() -> Result<Vec<(String, Vec<Call>)>, String> {
    let read = |(number, line)| {
        serde_json::from_str(line).map_err(|error| format!("found.jsonl, line {}: {error}", number + 1))
    };
    FOUND.lines().enumerate().map(read).collect()
}

fn trial(name: String, request: Request, total: &Arc<Mutex<Coverage>>) -> Trial {
    let total = Arc::clone(total);
    Trial::ignorable_test(name, move || compare(&request, &total))
}

fn compare(request: &Request, total: &Mutex<Coverage>) -> Result<Completion, Failed> {
    let add = |coverage| total.lock().unwrap_or_else(PoisonError::into_inner).add(coverage);
    match ask(request)? {
        Report::NotRun(reason) => not_run(&reason),
        // The kernel was asked, so this is no failure under `MOUNTWRIGHT_REQUIRE_KERNEL`.
        Report::TooYoung(reason) => Ok(Completion::ignored_with(reason)),
        Report::Agreed(coverage) => {
            add(coverage);
            Ok(Completion::Completed)
        }
        Report::Differed { coverage, history, report } => {
            add(coverage);
            Err(format!("{report}\nto keep it, add to tests/random_ports/found.jsonl:\n[\"its rule\",{history}]")
                .into())
        }
    }
}
