//! A run of random histories at the ports, in the worker process.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mountwright_fake::FakeBackend;
use mountwright_linux::LinuxBackend;
use mountwright_tests::contract::{in_kernel_world, in_model_world};
use mountwright_tests::namespace::{self, Privilege};
use mountwright_tests::scenario::KernelVersion;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::coverage::Coverage;
use crate::draw::history;
use crate::play::{Outcome, play};

/// The limit of proptest's simplifications of a failing history; the rest is removed call by call.
const MOST_SHRINKING: u32 = 256;

/// On an older kernel other mounts go along with an unmount.
const MODEL: KernelVersion = KernelVersion::new(6, 17);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Draws histories and compares them until one differs or all have agreed
    Draw { seed: u64, histories: u32 },
    /// Compares these
    Compare(Vec<Vec<Call>>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The kernel could not be asked; with the reason
    NotRun(String),
    /// This kernel is older than the model
    TooYoung(String),
    Agreed(Coverage),
    Differed {
        coverage: Coverage,
        /// The shortest history found, as a line for `found.jsonl`
        history: String,
        /// For a person
        report: String,
    },
}

pub(crate) fn run(request: &Request) -> Report {
    let is_root = match namespace::enter() {
        Ok(privilege) => privilege == Privilege::Root,
        Err(error) => return Report::NotRun(error.to_string()),
    };
    match kernel_version() {
        Ok(kernel) if kernel < MODEL => {
            return Report::TooYoung(format!("the model is Linux {MODEL} and later, and this is {kernel}"));
        }
        Ok(_) => {}
        Err(error) => return Report::NotRun(error),
    }
    // Panics of a world are caught and reported; shrinking one would print it a hundred times.
    std::panic::set_hook(Box::new(|_| {}));
    match request {
        Request::Draw { seed, histories } => draw(*seed, *histories, is_root),
        Request::Compare(histories) => {
            let mut coverage = Coverage::default();
            for history in histories {
                match compare(history) {
                    Ok(outcomes) => coverage.count(history, &outcomes),
                    Err(report) => return Report::Differed { coverage, history: line(history), report },
                }
            }
            Report::Agreed(coverage)
        }
    }
}

fn kernel_version() -> Result<KernelVersion, String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").map_err(|error| error.to_string())?;
    release.parse()
}

fn draw(seed: u64, histories: u32, is_root: bool) -> Report {
    let coverage = RefCell::new(Coverage::default());
    let failed = RefCell::new(false);
    let config =
        Config { cases: histories, failure_persistence: None, max_shrink_iters: MOST_SHRINKING, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let result = runner.run(&history(is_root), |history| match compare(&history) {
        Ok(outcomes) => {
            if !*failed.borrow() {
                coverage.borrow_mut().count(&history, &outcomes);
            }
            Ok(())
        }
        Err(report) => {
            *failed.borrow_mut() = true;
            Err(TestCaseError::fail(report))
        }
    });
    let coverage = coverage.into_inner();
    match result {
        Ok(()) => Report::Agreed(coverage),
        Err(TestError::Abort(reason)) => Report::NotRun(reason.to_string()),
        Err(TestError::Fail(reason, history)) => {
            let history = minimise(history);
            let report = compare(&history).err().unwrap_or_else(|| format!("seen once only: {reason}"));
            Report::Differed { coverage, history: line(&history), report }
        }
    }
}

/// Leaves out calls as long as a difference is left.
fn minimise(mut history: Vec<Call>) -> Vec<Call> {
    loop {
        let before = history.len();
        for index in (0..history.len()).rev() {
            let call = history.remove(index);
            if compare(&history).is_ok() {
                history.insert(index, call);
            }
        }
        if history.len() == before {
            return history;
        }
    }
}

/// Plays the history on the kernel and on the fake: the outcomes on the kernel, or the first difference.
fn compare(history: &[Call]) -> Result<Vec<Outcome>, String> {
    let calls: Arc<[Call]> = history.into();
    let kernel = caught("Linux on the kernel", || {
        in_kernel_world("history", || (LinuxBackend::new(), true), move |world| play(world, &calls))
            .map_err(|error| error.to_string())?
    })?;
    let fake = caught("the fake", || {
        in_model_world(
            |machine, process| (FakeBackend::over(machine.shared(), process), true),
            |world| play(world, history),
        )
    })?;
    agree(history, &kernel, &fake)?;
    Ok(kernel)
}

fn caught<T>(who: &str, play: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let said = |panic: Box<dyn std::any::Any + Send>| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    };
    match catch_unwind(AssertUnwindSafe(play)) {
        Ok(result) => result.map_err(|error| format!("{who}: {error}")),
        Err(panic) => Err(format!("{who} panicked: {}", said(panic))),
    }
}

fn agree(history: &[Call], kernel: &[Outcome], got: &[Outcome]) -> Result<(), String> {
    let Some(at) = (0..history.len()).find(|&at| kernel[at] != got[at]) else { return Ok(()) };
    let mut report = "the fake differs from the kernel\n".to_owned();
    for call in &history[..=at] {
        let _ = writeln!(report, "  {call:?}");
    }
    let _ = writeln!(report, "kernel: {}\nthe fake: {}", kernel[at].answer, got[at].answer);
    if kernel[at].table != got[at].table {
        let _ = writeln!(
            report,
            "kernel:\n  {}\nthe fake:\n  {}",
            kernel[at].table.join("\n  "),
            got[at].table.join("\n  ")
        );
    }
    Err(report)
}

fn line(history: &[Call]) -> String {
    serde_json::to_string(history).unwrap_or_else(|error| error.to_string())
}
