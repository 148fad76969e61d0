//! Random histories on the model and on the kernel: errno, values and whole tables agree after each step.
//!
//! * `MOUNTWRIGHT_LONG`: 10,000 histories of 20 operations, over all four kinds, instead of 1,000: as many as a planted fault of the model may take.
//! * `MOUNTWRIGHT_SEED`: the beginning; without it each run has another one, and prints it.
//! * `MOUNTWRIGHT_REQUIRE_KERNEL`: not run is a failure.
//! * The arguments `--histories=N` and `--as-drawn`: N histories; one that differs is shown as it was drawn.
//!
//! Operations that the running kernel is too old for (`since.rs`) are not drawn, and counted.
//!
//! A history that differs is made as short as possible and printed as a line for a file in `tests/scenarios`, with the
//! kernel's results. The last output is the coverage of the run.

mod campaign;
mod container_root;
mod coverage;
mod intent;
mod kind;
mod layout;
mod odd_paths;
mod plan;
mod resolve;
mod since;
mod theme;
mod whereabouts;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::scenario::read_scenarios;
use mountwright_tests::settings::Settings;
use mountwright_tests::worker_process::{ask, serve_if_asked};

use crate::campaign::{Report, Request};
use crate::coverage::Coverage;
use crate::kind::Kind;

/// Arguments of this lane.
const HISTORIES: &str = "--histories=";
const AS_DRAWN: &str = "--as-drawn";
/// From this many histories on, the run has to cover everything that the recorded scenarios show, this many times.
const ENOUGH_HISTORIES: u64 = 10_000;
const LEAST: u64 = 50;
/// The number of cases for each kind; cases run side by side.
const PARTS: u32 = 4;

fn main() -> ExitCode {
    if serve_if_asked(|request: Request| campaign::run(&request)) {
        return ExitCode::SUCCESS;
    }
    let is_own = |argument: &String| argument.starts_with(HISTORIES) || argument == AS_DRAWN;
    let (own, rest): (Vec<String>, Vec<String>) = std::env::args().partition(is_own);
    let arguments = Arguments::from_iter(rest);
    let settings = Settings::read();
    let number = own.iter().find_map(|argument| argument.strip_prefix(HISTORIES)?.parse().ok());
    let histories = number.unwrap_or(if settings.long { 10_000 } else { 1_000 });
    let (seed, shrinking) = (settings.seed(), !own.iter().any(|argument| argument == AS_DRAWN));
    let total = Arc::new(Mutex::new(Coverage::default()));
    let parts = u32::try_from(Kind::ALL.len()).unwrap_or(1) * PARTS;
    let mut trials = Vec::new();
    for kind in Kind::ALL {
        for part in 0..PARTS {
            let number = u32::try_from(trials.len()).unwrap_or(0);
            // The first parts take what is left over.
            let share = histories / parts + u32::from(number < histories % parts);
            let request = Request { kind, seed: u64::from(seed) << 16 | u64::from(part), histories: share, shrinking };
            let total = Arc::clone(&total);
            let name = format!("{}/part_{part}", kind.name());
            trials.push(Trial::ignorable_test(name, move || compare(&request, &total)));
        }
    }
    if !arguments.list {
        println!("{histories} histories, MOUNTWRIGHT_SEED={seed}");
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let total = total.lock().unwrap_or_else(PoisonError::into_inner);
    if total.operations == 0 {
        return conclusion.exit_code();
    }
    println!("what the run has met:\n{}", total.table());
    match shortcomings(&total) {
        Ok(short) if short.is_empty() => conclusion.exit_code(),
        Ok(short) => {
            println!("  too rarely met: {}", short.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("random: {error}");
            ExitCode::FAILURE
        }
    }
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
        Report::Differed { coverage, scenario, report } => {
            add(coverage);
            Err(format!("{report}\nto keep it, add this line to a file in tests/scenarios:\n{scenario}").into())
        }
    }
}

/// Returns what a long run should have covered and has not.
fn shortcomings(total: &Coverage) -> Result<Vec<String>, String> {
    if total.histories < ENOUGH_HISTORIES {
        return Ok(Vec::new());
    }
    let mut wanted = recorded_pairs()?;
    wanted.retain(|(operation, _)| !total.has_left_out(operation));
    let mut short = total.rarer_than(LEAST, &wanted);
    println!(
        "  of {} operations with an answer, as the recorded histories show them, {} were met {LEAST} times or more",
        wanted.len(),
        wanted.len() - short.len()
    );
    if total.percent_succeeded() < 50 {
        short.push("success".to_owned());
    }
    if total.percent_on_large_tables() < 10 {
        short.push("large tables".to_owned());
    }
    Ok(short)
}

/// Returns every pair of operation and result in the recorded scenarios.
fn recorded_pairs() -> Result<BTreeSet<(String, String)>, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut pairs = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| error.to_string())? {
        let file = entry.map_err(|error| error.to_string())?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // The operations of a container's root are drawn by no kind.
        if !name.ends_with(".jsonl.gz") || name == "container.jsonl.gz" {
            continue;
        }
        for scenario in read_scenarios(&file).map_err(|error| error.to_string())? {
            let results = scenario.results.unwrap_or_default();
            let pair =
                |(step, result): (&mountwright_tests::scenario::Step, _)| (step.operation.name(), format!("{result}"));
            pairs.extend(scenario.ops.iter().zip(results).map(pair));
        }
    }
    Ok(pairs)
}
