//! The life of a sandbox with faults, deaths and an adversary at every point.

mod adversary;
mod atomic_volume;
mod attacks;
mod contract_errnos;
mod ground;
mod kernel;
mod model;
mod search;
mod state;
mod stories;
mod story;
mod table;
mod verdict;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_tests::kernel_trials::KernelTrials;

use search::{Found, Stage};
use stories::stories;
use story::Story;
use table::Table;

type Search = fn(&Stage) -> Found;

const SEARCHES: [(&str, Search); 3] =
    [("faults", Stage::faults), ("deaths", Stage::deaths), ("adversary", Stage::attacks)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let table = Table::default();
    let trials = stories().flat_map(|story| SEARCHES.map(|(name, search)| trial(story, name, search, &table)));
    let trials = trials.chain(atomic_volume::trials()).chain(kernel::trials(&kernel, &table));
    let exit_code = libtest_mimic::run(&arguments, trials.collect()).exit_code();
    print!("{table}");
    exit_code
}

fn trial(story: Story, name: &'static str, search: Search, table: &Table) -> Trial {
    let table = table.clone();
    Trial::test(format!("{}: {name}", story.name), move || {
        let found = search(&Stage::new(story));
        table.add(story.name, name, &found);
        match found.violations.split_first() {
            None if found.points > 0 => Ok(()),
            None => Err("nothing was searched".into()),
            Some((first, rest)) => Err(Failed::from(format!("{} more; the first: {first}", rest.len()))),
        }
    })
}
