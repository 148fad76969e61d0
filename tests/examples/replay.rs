//! Runs scenario files on a backend and prints, or checks, the outcomes.
//!
//! ```text
//! cargo run --release --example replay -- --backend linux scenarios/*.jsonl
//! cargo run --release --example replay -- --backend linux --check scenarios/*.jsonl.gz
//! ```
//!
//! Without `--check`: one line of JSON for each scenario, `{"name", "results", "values", "tables"}`. With it: the first
//! difference of each scenario that differs from its recording, for a person, and a last line with the counts.
//!
//! Exit status: 0; 1 where a scenario differs from its recording or has no outcome; 2 for misuse and bad files.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mountwright_tests::scenario::{CannotRun, Recording, Scenario, Verdict, read_scenarios};
use mountwright_tests::scenario_runner::play_on_fake;
use mountwright_tests::scenario_runner::{Stage, play_on_kernel};
use serde::Serialize;

/// Runs mount scenarios on a backend.
#[derive(Parser)]
struct Arguments {
    /// The backend to run the scenarios on
    #[arg(long)]
    backend: Backend,
    /// Compare with the recorded outcomes instead of printing the outcomes
    #[arg(long)]
    check: bool,
    /// Scenario files: JSON Lines, compressed where the name ends in .gz
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Backend {
    /// The in-memory model
    Fake,
    /// This machine's kernel, in private namespaces
    Linux,
}

/// A backend that can make sandboxes one after the other.
enum Bench {
    Fake,
    Linux(Stage),
}

impl Bench {
    fn new(backend: Backend) -> Result<Self, String> {
        match backend {
            Backend::Fake => Ok(Self::Fake),
            Backend::Linux => Stage::enter().map(Self::Linux).map_err(|error| error.to_string()),
        }
    }

    fn play(&mut self, scenario: &Scenario) -> Result<Recording, CannotRun> {
        match self {
            Self::Fake => play_on_fake(scenario),
            Self::Linux(stage) => play_on_kernel(stage, scenario),
        }
    }

    fn judge(&mut self, scenario: &Scenario) -> Verdict {
        match self {
            Self::Fake => Verdict::of(scenario, play_on_fake(scenario)),
            Self::Linux(stage) => Verdict::on_kernel(stage.kernel(), scenario, |played| play_on_kernel(stage, played)),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    #[serde(flatten)]
    recording: &'a Recording,
}

#[derive(Default)]
struct Counts {
    agree: usize,
    explained: usize,
    not_there: usize,
    differ: usize,
    /// By reason
    not_run: BTreeMap<String, usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // All files are read first: a bad one is reported before anything is printed, and nothing is read in the sandbox.
    let mut scenarios = Vec::new();
    for file in &arguments.files {
        match read_scenarios(file) {
            Ok(mut read) => scenarios.append(&mut read),
            Err(error) => return misuse(&error.to_string()),
        }
    }
    if arguments.check
        && let Some(bare) = scenarios.iter().find(|scenario| scenario.recorded().is_none())
    {
        return misuse(&format!("{} has no recorded outcome to compare with", bare.name));
    }
    let mut bench = match Bench::new(arguments.backend) {
        Ok(bench) => bench,
        Err(error) => return misuse(&error),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result =
        if arguments.check { check(&mut bench, &scenarios, &mut out) } else { print(&mut bench, &scenarios, &mut out) };
    match result.and_then(|good| out.flush().map(|()| good)) {
        Ok(true) => ExitCode::SUCCESS,
        // A closed pipe is not an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn misuse(error: &str) -> ExitCode {
    eprintln!("replay: {error}");
    ExitCode::from(2)
}

fn print(bench: &mut Bench, scenarios: &[Scenario], out: &mut impl Write) -> io::Result<bool> {
    let mut good = true;
    for scenario in scenarios {
        match bench.play(scenario) {
            Ok(recording) => {
                serde_json::to_writer(&mut *out, &Line { name: &scenario.name, recording: &recording })?;
                writeln!(out)?;
            }
            Err(error) => {
                good &= matches!(error, CannotRun::OtherKernel { .. });
                eprintln!("replay: {} has no outcome: {error}", scenario.name);
            }
        }
    }
    Ok(good)
}

fn check(bench: &mut Bench, scenarios: &[Scenario], out: &mut impl Write) -> io::Result<bool> {
    let mut counts = Counts::default();
    for scenario in scenarios {
        match bench.judge(scenario) {
            Verdict::Agrees => counts.agree += 1,
            Verdict::Explained(_) => counts.explained += 1,
            Verdict::NotThere(_) => counts.not_there += 1,
            Verdict::NotRun(reason) | Verdict::OtherKernel(reason) => *counts.not_run.entry(reason).or_default() += 1,
            Verdict::Differs(report) => {
                counts.differ += 1;
                writeln!(out, "{} differs {report}", scenario.name)?;
                if let Some(note) = &scenario.note {
                    writeln!(out, "  note: {note}")?;
                }
                writeln!(out)?;
            }
        }
    }
    let Counts { agree, explained, not_there, differ, not_run } = counts;
    for (reason, count) in not_run {
        writeln!(out, "{count} not run: {reason}")?;
    }
    if explained > 0 {
        writeln!(out, "{explained} differ as this kernel does")?;
    }
    if not_there > 0 {
        writeln!(out, "{not_there} agree up to a call that this kernel lacks")?;
    }
    writeln!(out, "{} scenarios, {agree} agree, {differ} differ", scenarios.len())?;
    Ok(differ == 0)
}
