//! Every scenario in `tests/scenarios`, on the model and on this machine's kernel.
//!
//! The kernel side plays all of them in one process of its own; each is a case here.

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_tests::fake_runner::play_on_fake;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::kernel_runner::{Stage, play_on_kernel};
use mountwright_tests::scenario::{BadFile, Scenario, Verdict, read_scenarios};
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
    // Asked once for all of them, and not at all where nobody will look.
    let fake_alone = arguments.filter.as_deref().is_some_and(|filter| filter.starts_with("fake/"));
    let verdicts = if arguments.list || fake_alone { Ok(Vec::new()) } else { ask(&scenarios) };
    let mut trials = Vec::new();
    for (index, scenario) in scenarios.into_iter().enumerate() {
        let name = scenario.name.clone();
        let verdict = match &verdicts {
            Ok(verdicts) => verdicts.get(index).cloned(),
            Err(error) => Some(Verdict::Differs(error.clone())),
        };
        trials.push(Trial::ignorable_test(format!("kernel/{name}"), move || outcome(verdict)));
        trials.push(Trial::test(format!("fake/{name}"), move || {
            let verdict = Verdict::of(&scenario, play_on_fake(&scenario));
            outcome(Some(verdict)).map(drop)
        }));
    }
    if let Ok(verdicts) = &verdicts {
        let not_run =
            verdicts.iter().filter(|verdict| matches!(verdict, Verdict::NotRun(_) | Verdict::TooYoung(_))).count();
        println!("on this machine's kernel: {} scenarios run, {not_run} not run", verdicts.len() - not_run);
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn outcome(verdict: Option<Verdict>) -> Result<Completion, Failed> {
    match verdict {
        Some(Verdict::Agrees) => Ok(Completion::Completed),
        Some(Verdict::Differs(report)) => Err(report.into()),
        Some(Verdict::NotRun(reason)) => not_run(&reason),
        // Whoever wants the kernel asked has asked it.
        Some(Verdict::TooYoung(reason)) => Ok(Completion::ignored_with(reason)),
        None => Err("it was not played".into()),
    }
}

/// In the worker process.
fn judge_on_kernel(scenarios: &[Scenario]) -> Vec<Verdict> {
    match Stage::enter() {
        Err(error) => vec![Verdict::NotRun(error.to_string()); scenarios.len()],
        Ok(mut stage) => {
            let judge = |scenario: &Scenario| Verdict::of(scenario, play_on_kernel(&mut stage, scenario));
            scenarios.iter().map(judge).collect()
        }
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
