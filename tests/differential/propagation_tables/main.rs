//! The tables of the kernel's `sharedsubtree.rst` (change of type, bind, recursive bind, move, mount, unmount), every cell of
//! them, on the fake and on this machine's kernel.
//!
//! The document's results are computed from its rules; neither side is the other's oracle here.

mod cell;
mod kind;
mod picture;
mod rules;
mod scene;
mod tables;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::scenario::{Recording, Scenario};
use mountwright_tests::scenario_runner::play_on_fake;
use mountwright_tests::scenario_runner::{Stage, play_on_kernel};
use mountwright_tests::worker_process::{ask, serve_if_asked};

use crate::cell::Cell;
use crate::tables::cells;

/// The kernel's recording of each scenario; the reason if none could be played.
type Played = Result<Vec<Result<Recording, String>>, String>;

fn main() -> ExitCode {
    if serve_if_asked(|scenarios: Vec<Scenario>| play_all_on_kernel(&scenarios)) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let cells = cells();
    let count = cells.len();
    let names: BTreeSet<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names.len(), count, "every cell has a name of its own");
    let scenarios: Vec<Scenario> = cells.iter().map(Cell::scenario).collect();
    // All of them are played at once, and not at all if their results are not used.
    let fake_alone = arguments.filter.as_deref().is_some_and(|filter| filter.starts_with("fake/"));
    let played: Result<Played, String> =
        if arguments.list || fake_alone { Ok(Ok(Vec::new())) } else { ask(&scenarios) };
    match &played {
        Ok(Ok(recordings)) => {
            println!("{count} cells on the fake, {} on this machine's kernel", recordings.len());
        }
        Ok(Err(reason)) | Err(reason) => println!("{count} cells, on the fake; not on the kernel: {reason}"),
    }
    let mut trials = Vec::new();
    for (index, (cell, scenario)) in cells.into_iter().zip(scenarios).enumerate() {
        let cell = Arc::new(cell);
        let on_kernel = match &played {
            Ok(Ok(recordings)) => Ok(recordings.get(index).cloned()),
            Ok(Err(reason)) => Err(reason.clone()),
            Err(error) => Ok(Some(Err(error.clone()))),
        };
        let same = Arc::clone(&cell);
        trials.push(Trial::ignorable_test(format!("kernel/{}", cell.name), move || match on_kernel {
            Err(reason) => not_run(&reason),
            Ok(None) => Err("it was not played".into()),
            Ok(Some(recording)) => judge(&same, recording).map(|()| Completion::Completed),
        }));
        trials.push(Trial::test(format!("fake/{}", cell.name), move || {
            judge(&cell, play_on_fake(&scenario).map_err(|error| error.to_string()))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn judge(cell: &Cell, played: Result<Recording, String>) -> Result<(), Failed> {
    Ok(cell.judge(&played?)?)
}

/// In the worker process.
fn play_all_on_kernel(scenarios: &[Scenario]) -> Played {
    let mut stage = Stage::enter().map_err(|error| error.to_string())?;
    let play = |scenario| play_on_kernel(&mut stage, scenario).map_err(|error| error.to_string());
    Ok(scenarios.iter().map(play).collect())
}
