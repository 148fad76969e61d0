//! The number of system calls of one port call or question: every one, closing included, as the kernel sees them, with
//! 40 mounts on the machine and with 10,000.
//!
//! * A port call, or what core makes of a few, by itself: what is between two marks.
//! * A question of the example `ask`: the calls at `--repeat 11` less those at `--repeat 1`, a tenth of it.
//!
//! A worker process counts the calls of a forked child through ptrace(2). In a debug build the standard library looks at a
//! descriptor before it closes it; that look is not counted. The directory that is counted has 100,000 entries, and with
//! `MOUNTWRIGHT_LONG` set a million.

// Its `main` is for the command alone.
#[allow(dead_code)]
#[path = "../../examples/ask/main.rs"]
mod command;

mod asking;
mod budget;
mod child;
mod tracing;

use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::worker_process::{ask, serve_if_asked};

use asking::{QUESTIONS, TIMES};
use budget::{BUDGETS, Budget, CROWDS};
use tracing::{Counted, count};

type Counts = LazyLock<[Result<Counted, String>; CROWDS.len()]>;

fn main() -> ExitCode {
    if serve_if_asked(count) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let counts: Arc<Counts> = Arc::new(LazyLock::new(|| CROWDS.map(|crowd| ask(&crowd).and_then(|counted| counted))));
    let budgets = BUDGETS.iter().enumerate().map(|(index, budget)| {
        let counts = Arc::clone(&counts);
        trial(budget.what, budget.most, move || check(&counts, index, budget))
    });
    let questions = QUESTIONS.iter().enumerate().map(|(index, question)| {
        let (counts, first) = (Arc::clone(&counts), BUDGETS.len() + 2 * index);
        trial(question.what, question.most, move || check_question(&counts, first, question.most))
    });
    libtest_mimic::run(&arguments, budgets.chain(questions).collect()).exit_code()
}

fn trial(what: &str, most: usize, run: impl FnOnce() -> Result<Completion, Failed> + Send + 'static) -> Trial {
    Trial::ignorable_test(format!("{what}: at most {most} system calls, however many mounts there are"), run)
}

/// Returns the calls of the `index`th operation, for each number of mounts; otherwise the result of the case.
fn seen<'c>(counts: &'c Counts, index: usize) -> Result<Vec<&'c Vec<i64>>, Result<Completion, Failed>> {
    let of_one = |count: &'c Result<Counted, String>| match count {
        Ok(Counted::Calls(done)) => done.get(index).ok_or_else(|| Err("it was never done".into())),
        Ok(Counted::NoNamespace(reason)) => Err(not_run(reason)),
        Err(error) => Err(Err(error.into())),
    };
    counts.iter().map(of_one).collect()
}

fn check(counts: &Counts, index: usize, budget: &Budget) -> Result<Completion, Failed> {
    let seen = match seen(counts, index) {
        Ok(seen) => seen,
        Err(instead) => return instead,
    };
    println!("{}: {}", budget.what, seen.iter().map(|calls| calls.len().to_string()).collect::<Vec<_>>().join(", "));
    if seen.iter().any(|calls| *calls != seen[0]) {
        return Err(format!("not the same with {CROWDS:?} mounts: {seen:?}").into());
    }
    if seen[0].len() > budget.most {
        return Err(format!("{} calls: {:?}", seen[0].len(), seen[0]).into());
    }
    Ok(Completion::Completed)
}

fn check_question(counts: &Counts, first: usize, most: usize) -> Result<Completion, Failed> {
    let (once, often) = match (seen(counts, first), seen(counts, first + 1)) {
        (Ok(once), Ok(often)) => (once, often),
        (Err(instead), _) | (_, Err(instead)) => return instead,
    };
    let more: Vec<usize> = once.iter().zip(&often).map(|(once, often)| often.len() - once.len()).collect();
    println!("{TIMES} times: {more:?} calls more than once");
    if more.iter().any(|calls| *calls != more[0]) {
        return Err(format!("not the same with {CROWDS:?} mounts: {more:?}").into());
    }
    if more[0] > most * (TIMES - 1) {
        return Err(format!("{} calls for {} questions: {:?}", more[0], TIMES - 1, often[0]).into());
    }
    Ok(Completion::Completed)
}
