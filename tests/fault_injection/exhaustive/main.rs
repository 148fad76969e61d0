//! The sequences of the Linux backend, searched exhaustively on the fake's model: every fault, every death, every adversary.
//!
//! Short by default: the newest and the oldest set of system calls, two errors a call, and with the newest set an
//! adversary whose actions lead out of the root. `MOUNTWRIGHT_LONG=1`: every set, every error and every action,
//! pairs of faults, and adversaries that undo their actions.

mod adversary;
mod naive;
mod play;
mod scene;
mod search;
mod snapshot;

use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use mountwright_core::Errno;
use mountwright_linux::LinuxBackend;
use mountwright_tests::searched::{
    Answer, Harm, NamedSet, Operation, Parent, Tallies, Tally, differences, operation, syscall_sets,
};
use mountwright_tests::settings::Settings;

use play::Calls;
use search::Search;

/// A way to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Faults,
    Deaths,
    Attacks,
    PairsOfFaults,
    AttacksAndBack,
}

impl Way {
    fn all(long: bool) -> Vec<Self> {
        let all = [Self::Faults, Self::Deaths, Self::Attacks, Self::PairsOfFaults, Self::AttacksAndBack];
        all.into_iter().take(if long { all.len() } else { 3 }).collect()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Faults => "faults",
            Self::Deaths => "deaths",
            Self::Attacks => "attacks",
            Self::PairsOfFaults => "pairs of faults",
            Self::AttacksAndBack => "attacks and back",
        }
    }

    fn is_attack(self) -> bool {
        [Self::Attacks, Self::AttacksAndBack].contains(&self)
    }

    fn applies_to(self, operation: &Operation) -> bool {
        operation.below.is_some() || !self.is_attack()
    }

    fn search(self, search: &Search<'_>, long: bool, tally: &mut Tally) {
        match self {
            Self::Faults => search.faults(long, tally),
            Self::Deaths => search.deaths(tally),
            Self::Attacks => search.attacks(long, tally),
            Self::PairsOfFaults => search.pairs_of_faults(tally),
            Self::AttacksAndBack => search.attacks_and_back(tally),
        }
    }
}

fn search_linux(operation: &Operation, set: NamedSet, way: Way, long: bool, tally: &mut Tally) {
    let backend = |calls: &Calls| LinuxBackend::over(calls.clone()).with_syscalls(set.syscalls);
    let act = |calls: &Calls| -> Answer { operation.run(&backend(calls)) };
    let again = operation.before_again.map(|before| move |calls: &Calls| before(&backend(calls)));
    for parent in Parent::ALL {
        let again = again.as_ref().map(|again| again as &dyn Fn(&Calls) -> Answer);
        way.search(&Search::new(operation, parent, set.detached(), &act, again), long, tally);
    }
}

/// Undisturbed, each set has the same result, and it is the one in the operation's name.
fn undisturbed(operation: &Operation) -> Result<(), Failed> {
    for parent in Parent::ALL {
        let mut first = None;
        for set in syscall_sets(true) {
            let act = |calls: &Calls| operation.run(&LinuxBackend::over(calls.clone()).with_syscalls(set.syscalls));
            let search = Search::new(operation, parent, set.detached(), &act, None);
            let (answer, whole) = search.undisturbed();
            if answer.is_done() == operation.name.contains("refused") {
                if operation.name.contains("tree read-only") && answer.errno() == Some(Errno::EOPNOTSUPP) {
                    continue;
                }
                return Err(format!("set {}, {parent:?}: {answer:?}", set.name).into());
            }
            let first = first.get_or_insert_with(|| whole.clone());
            let differences = differences(first, whole);
            if !differences.is_empty() {
                return Err(format!("set {} differs, {parent:?}: {differences:?}", set.name).into());
            }
        }
    }
    Ok(())
}

/// The harm that the search has to find in what is written by paths.
const FOUND_IN_NAIVE: [Harm; 6] =
    [Harm::Escape, Harm::LostByte, Harm::LeftoverMount, Harm::LeftoverName, Harm::WritableWindow, Harm::HalfDone];

/// The same search, over the naive implementation.
fn naive(long: bool, tallies: &Tallies) -> Result<(), Failed> {
    let mut all = Tally::default();
    for (operation, act) in naive::operations() {
        for parent in Parent::ALL {
            for way in Way::all(long) {
                let mut tally = Tally::default();
                way.search(&Search::new(&operation, parent, false, &act, None), long, &mut tally);
                tallies.add(&format!("naive: {}", way.name()), &tally);
                all.add(&tally);
            }
        }
    }
    let missing: Vec<_> = FOUND_IN_NAIVE.iter().filter(|harm| !all.harms.contains_key(harm)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} not found: {all}").into()) }
}

fn verdict(tally: &Tally) -> Result<(), Failed> {
    if tally.runs > 0 && tally.violations() == 0 {
        return Ok(());
    }
    Err(format!("{tally}\n{}", tally.examples.join("\n")).into())
}

fn main() {
    let arguments = Arguments::from_args();
    let long = Settings::read().long;
    let tallies = Arc::new(Tallies::default());
    let mut trials = Vec::new();
    for operation in operation::all() {
        trials.push(Trial::test(format!("undisturbed: {}", operation.name), move || undisturbed(&operation)));
        for way in Way::all(long).into_iter().filter(|way| way.applies_to(&operation)) {
            let tallies = Arc::clone(&tallies);
            trials.push(Trial::test(format!("{}: {}", way.name(), operation.name), move || {
                let mut tally = Tally::default();
                let attacked = if way.is_attack() && !long { 1 } else { usize::MAX };
                for set in syscall_sets(long).into_iter().take(attacked) {
                    let mut one = Tally::default();
                    search_linux(&operation, set, way, long, &mut one);
                    for example in &mut one.examples {
                        example.insert_str(0, &format!("[{}] ", set.name));
                    }
                    tally.add(&one);
                }
                tallies.add(way.name(), &tally);
                verdict(&tally)
            }));
        }
    }
    let naive_tallies = Arc::clone(&tallies);
    trials.push(Trial::test("the search bites: it finds every kind of harm in the naive way", move || {
        naive(long, &naive_tallies)
    }));
    let conclusion = libtest_mimic::run(&arguments, trials);
    for (name, tally) in tallies.all() {
        println!("{name:<24}{tally}");
    }
    conclusion.exit();
}
