//! Every scenario in `tests/scenarios`, on the model and on this machine's kernel.
//!
//! The kernel side plays all of them in one process of its own; each is a case here. On a kernel other than the recorded one a
//! history is equal, or differs as its `elsewhere` says; a step whose call the kernel lacks ends it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::scenario::{BadFile, KernelVersion, Scenario, Verdict, read_scenarios};
use mountwright_tests::scenario_runner::play_on_fake;
use mountwright_tests::scenario_runner::{Stage, play_on_kernel};
use mountwright_tests::worker_process::{ask, serve_if_asked};

fn main() -> ExitCode {
    if serve_if_asked(|scenarios: Vec<Scenario>| judge_on_kernel(&scenarios)) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let scenarios = match bundled() {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("recorded: {error}");
            return ExitCode::FAILURE;
        }
    };
    // All of them are played at once, and not at all if their results are not used.
    let fake_alone = arguments.filter.as_deref().is_some_and(|filter| filter.starts_with("fake/"));
    let verdicts: Result<(String, Vec<Verdict>), String> =
        if arguments.list || fake_alone { Ok((String::new(), Vec::new())) } else { ask(&scenarios) };
    let mut trials = Vec::new();
    for (index, scenario) in scenarios.into_iter().enumerate() {
        let name = scenario.name.clone();
        let verdict = match &verdicts {
            Ok((_, verdicts)) => verdicts.get(index).cloned(),
            Err(error) => Some(Verdict::Differs(error.clone())),
        };
        trials.push(Trial::ignorable_test(format!("kernel/{name}"), move || outcome(verdict)));
        trials.push(Trial::test(format!("fake/{name}"), move || {
            let verdict = Verdict::of(&scenario, play_on_fake(&scenario));
            outcome(Some(verdict)).map(drop)
        }));
    }
    if let Ok((kernel, verdicts)) = &verdicts {
        let counts = Counts::of(verdicts);
        println!("histories: on Linux {kernel}: {counts}");
        trials.push(Trial::test("kernel/of a hundred histories with an outcome at least 95 are equal", move || {
            let with_an_outcome = counts.with_an_outcome();
            if 100 * counts.agree < 95 * with_an_outcome {
                return Err(format!("{} of {with_an_outcome} are", counts.agree).into());
            }
            Ok(())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn outcome(verdict: Option<Verdict>) -> Result<Completion, Failed> {
    match verdict {
        Some(Verdict::Agrees | Verdict::Explained(_) | Verdict::NotThere(_)) => Ok(Completion::Completed),
        Some(Verdict::Differs(report)) => Err(report.into()),
        Some(Verdict::NotRun(reason)) => not_run(&reason),
        // The kernel was asked, so this is no failure where kernel cases are required.
        Some(Verdict::OtherKernel(reason)) => Ok(Completion::ignored_with(reason)),
        None => Err("it was not played".into()),
    }
}

/// In the worker process: the version of the kernel, and a verdict for each scenario.
fn judge_on_kernel(scenarios: &[Scenario]) -> (String, Vec<Verdict>) {
    let mut stage = match Stage::enter() {
        Err(error) => return (String::new(), vec![Verdict::NotRun(error.to_string()); scenarios.len()]),
        Ok(stage) => stage,
    };
    let kernel: KernelVersion = stage.kernel();
    let mut judge =
        |scenario: &Scenario| Verdict::on_kernel(kernel, scenario, |played| play_on_kernel(&mut stage, played));
    let verdicts = scenarios.iter().map(&mut judge).collect();
    (kernel.to_string(), verdicts)
}

/// The numbers of histories by result.
#[derive(Default)]
struct Counts {
    agree: usize,
    /// By the name of the change
    explained: BTreeMap<String, usize>,
    not_there: usize,
    steps_not_there: usize,
    differ: usize,
    not_run: usize,
}

impl Counts {
    fn of(verdicts: &[Verdict]) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Agrees => counts.agree += 1,
                Verdict::Explained(change) => *counts.explained.entry(change.clone()).or_default() += 1,
                Verdict::NotThere(steps) => {
                    counts.not_there += 1;
                    counts.steps_not_there += steps;
                }
                Verdict::Differs(_) => counts.differ += 1,
                Verdict::NotRun(_) | Verdict::OtherKernel(_) => counts.not_run += 1,
            }
        }
        counts
    }

    /// The histories whose calls the kernel has.
    fn with_an_outcome(&self) -> usize {
        self.agree + self.explained.values().sum::<usize>() + self.differ
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agree, explained, not_there, steps_not_there, differ, not_run } = self;
        let in_all: usize = explained.values().sum();
        write!(
            f,
            "{agree} equal, {in_all} explained, {not_there} not there ({steps_not_there} steps), {differ} differ, {not_run} not run"
        )?;
        let changes: Vec<String> = explained.iter().map(|(change, count)| format!("{change} {count}")).collect();
        if changes.is_empty() { Ok(()) } else { write!(f, "; by change: {}", changes.join(", ")) }
    }
}

fn bundled() -> Result<Vec<Scenario>, BadFile> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let unreadable = |error| BadFile::Unreadable { file: folder.display().to_string(), error };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
        files.push(entry.map_err(unreadable)?.path());
    }
    files.retain(|file| file.to_string_lossy().contains(".jsonl"));
    files.sort();
    let mut scenarios = Vec::new();
    for file in files {
        scenarios.append(&mut read_scenarios(&file)?);
    }
    Ok(scenarios)
}
