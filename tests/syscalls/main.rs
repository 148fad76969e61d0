//! How many system calls one port call or question makes: every one, closing included, as the kernel sees them, with 40
//! mounts on the machine and with 10,000.
//!
//! This binary runs itself as a child and counts through ptrace(2). In a debug build the standard library looks at a
//! descriptor before it closes it; that look is not counted. The directory that is counted has 100,000 entries, and with
//! `MOUNTWRIGHT_LONG` set a million.

mod budget;
mod child;
mod tracing;

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;

use budget::{BUDGETS, Budget, CROWDS};
use tracing::{Counted, count};

type Counts = LazyLock<[Result<Counted, String>; CROWDS.len()]>;

fn main() -> ExitCode {
    if let Some(crowd) = child::asked() {
        return child::answer(crowd);
    }
    let arguments = Arguments::from_args();
    let counts: Arc<Counts> =
        Arc::new(LazyLock::new(|| CROWDS.map(|crowd| count(crowd).map_err(|error| error.to_string()))));
    let trials = BUDGETS.iter().enumerate().map(|(index, budget)| {
        let name = format!("{}: at most {} system calls, however many mounts there are", budget.what, budget.most);
        let counts = Arc::clone(&counts);
        Trial::ignorable_test(name, move || check(&counts, index, budget))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(counts: &Counts, index: usize, budget: &Budget) -> Result<Completion, Failed> {
    let mut seen = Vec::new();
    for count in counts.iter() {
        match count {
            Ok(Counted::Calls(done)) => seen.push(done.get(index).ok_or("it was never done")?),
            Ok(Counted::NoNamespace) => return not_run("no mount namespace of our own"),
            Err(error) => return Err(error.into()),
        }
    }
    println!("{}: {}", budget.what, seen.iter().map(|calls| calls.len().to_string()).collect::<Vec<_>>().join(", "));
    if seen.iter().any(|calls| *calls != seen[0]) {
        return Err(format!("not the same with {CROWDS:?} mounts: {seen:?}").into());
    }
    if seen[0].len() > budget.most {
        return Err(format!("{} calls: {:?}", seen[0].len(), seen[0]).into());
    }
    Ok(Completion::Completed)
}
