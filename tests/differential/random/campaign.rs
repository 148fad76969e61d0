//! A run of random histories of one kind, in the worker process.

use std::cell::RefCell;

use mountwright_tests::scenario::{CannotRun, Recording, Scenario, Step, first_difference, minimise, operations};
use mountwright_tests::scenario_runner::{Stage, play_on_fake, play_on_kernel};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::kind::Kind;
use crate::plan::{Plan, plan};
use crate::resolve::resolve;
use crate::since::OLDEST;

/// The limit of proptest's simplifications of a failing plan; the rest is removed step by step.
const MOST_SHRINKING: u32 = 256;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
    pub(crate) histories: u32,
    /// True if a history that differs is made as short as possible
    pub(crate) shrinking: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The kernel could not be asked; with the reason
    NotRun(String),
    /// This kernel is older than the behaviour of the histories
    TooYoung(String),
    /// All histories agree
    Agreed(Coverage),
    /// One does not
    Differed {
        coverage: Coverage,
        /// The shortest history found, with the kernel's results, as a line for a scenario file
        scenario: String,
        /// For a person
        report: String,
    },
}

/// Uses the model while the machine's files are in reach: a planted fault reads there whether it is switched on.
fn use_model_once() {
    let steps = operations("mkdir /a; shared /; bind / /a; umount /a").into_iter().map(Step::new);
    // Its outcome is the recorded histories' matter.
    let _ = play_on_fake(&Scenario::new("", Vec::new(), steps.collect()));
}

/// Draws histories and compares them until one differs or all have agreed.
pub(crate) fn run(request: &Request) -> Report {
    use_model_once();
    let stage = match Stage::enter() {
        Ok(stage) => stage,
        Err(error) => return Report::NotRun(error.to_string()),
    };
    let (is_root, kernel) = (stage.is_root(), stage.kernel());
    if kernel < OLDEST {
        return Report::TooYoung(format!("the histories need Linux {OLDEST}, and this is {kernel}"));
    }
    if !is_root && request.kind == Kind::ContainerRoot {
        return Report::NotRun("nodes, owners and id maps need root on this machine".to_owned());
    }
    if !is_root && request.kind == Kind::UserNamespaces {
        return Report::NotRun("a user namespace that maps two users needs root on this machine".to_owned());
    }
    let stage = RefCell::new(stage);
    // Panics of the model are caught and reported; shrinking one would print it a hundred times.
    std::panic::set_hook(Box::new(|_| {}));
    let coverage = RefCell::new(Coverage::default());
    let failed = RefCell::new(false);
    let config = Config {
        cases: request.histories,
        failure_persistence: None,
        max_shrink_iters: if request.shrinking { MOST_SHRINKING } else { 0 },
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&request.seed.to_le_bytes());
    seed[8] = request.kind as u8;
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let result = runner.run(&plan(request.kind, is_root), |plan| {
        let outcome = compare(&mut stage.borrow_mut(), request.kind, &plan);
        match outcome {
            Ok(agreed) => {
                if !*failed.borrow() {
                    let mut coverage = coverage.borrow_mut();
                    coverage.count(&agreed.scenario, &agreed.recording);
                    coverage.count_left_out(&agreed.left_out);
                }
                Ok(())
            }
            Err(difference) => {
                *failed.borrow_mut() = true;
                Err(TestCaseError::fail(difference.report))
            }
        }
    });
    let coverage = coverage.into_inner();
    match result {
        Ok(()) => Report::Agreed(coverage),
        Err(TestError::Abort(reason)) => Report::NotRun(reason.to_string()),
        Err(TestError::Fail(reason, _)) if !request.shrinking => {
            Report::Differed { coverage, scenario: String::new(), report: reason.to_string() }
        }
        Err(TestError::Fail(reason, plan)) => {
            let found = smallest(&mut stage.borrow_mut(), request.kind, &plan);
            let (scenario, report) = found.unwrap_or_else(|| (String::new(), format!("seen once only: {reason}")));
            Report::Differed { coverage, scenario, report }
        }
    }
}

struct Differs {
    scenario: Scenario,
    report: String,
    /// True if the model could not continue
    stopped: bool,
}

struct Agrees {
    scenario: Scenario,
    recording: Recording,
    left_out: Vec<String>,
}

fn compare(stage: &mut Stage, kind: Kind, plan: &Plan) -> Result<Agrees, Box<Differs>> {
    let kernel = stage.kernel();
    let resolved = std::panic::catch_unwind(|| resolve(kind, kernel, plan));
    let Ok(resolved) = resolved else {
        let scenario = Scenario::new("found/panic", Vec::new(), Vec::new());
        return Err(Box::new(Differs { scenario, report: "the model panicked".to_owned(), stopped: true }));
    };
    let scenario = resolved.scenario;
    match difference(stage, &scenario) {
        Err(report) => Err(Box::new(Differs { scenario, report, stopped: false })),
        Ok(recording) => match resolved.stopped {
            Some(error) => Err(Box::new(Differs { scenario, report: error.to_string(), stopped: true })),
            None => Ok(Agrees { scenario, recording, left_out: resolved.left_out }),
        },
    }
}

/// Runs the history on both worlds. Returns the kernel's recording, or the difference.
fn difference(stage: &mut Stage, scenario: &Scenario) -> Result<Recording, String> {
    let kernel = play_on_kernel(stage, scenario).map_err(|error| format!("the kernel: {error}"))?;
    let fake = play_on_fake(scenario).map_err(|error| format!("the model: {error}"))?;
    match first_difference(scenario, &kernel, &fake) {
        None => Ok(kernel),
        Some(difference) => Err(format!("expected: the kernel; got: the model\n{difference}")),
    }
}

fn smallest(stage: &mut Stage, kind: Kind, plan: &Plan) -> Option<(String, String)> {
    let Differs { scenario, report, stopped } = *compare(stage, kind, plan).err()?;
    if stopped {
        return Some((line(&scenario), report));
    }
    let shortest = minimise(scenario, |shorter| match (play_on_kernel(stage, shorter), play_on_fake(shorter)) {
        (Ok(kernel), Ok(fake)) => first_difference(shorter, &kernel, &fake).is_some(),
        // A history that is no longer valid shows nothing; a failure of the model is a difference.
        (Ok(_), Err(error)) => !matches!(error, CannotRun::NoSuchNamespace(_) | CannotRun::SetupFailed { .. }),
        (Err(_), _) => false,
    });
    let report = difference(stage, &shortest).err().unwrap_or(report);
    let recorded = play_on_kernel(stage, &shortest).map(|recording| shortest.clone().with_recording(recording));
    Some((line(&recorded.unwrap_or(shortest)), report))
}

fn line(scenario: &Scenario) -> String {
    serde_json::to_string(scenario).unwrap_or_else(|error| error.to_string())
}
