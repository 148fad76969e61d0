//! The mounts of a container, from set-up to tear-down: `cargo run --example sandbox`, `-- --help` for more.

mod as_json;
mod as_text;
mod bad_input;
mod captured;
mod cli;
mod given_file;
mod heading;
mod host;
mod plant;
mod row;
mod runtime_spec;
mod story;
mod unbuilt;
mod verdict;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use mountwright_tests::show::{Terminal, printable, write_out};

use bad_input::BadInput;
use captured::captured;
use cli::{BackendName, Cli};
use given_file::GivenFile;
use heading::Heading;
use host::{CannotBuild, Host, fake_host, linux_host};
use plant::Plant;
use runtime_spec::RuntimeSpec;
use story::Story;

const SAMPLE_SPEC: &[u8] = include_bytes!("config.json");
const SAMPLE_MOUNTINFO: &[u8] = include_bytes!("node.mountinfo");
const SAMPLE_PLANT: &[u8] = include_bytes!("default.plant");

/// Why there is no story.
enum Failure {
    /// Exit status 2
    BadInput(BadInput),
    /// Exit status 1
    Step(String),
}

impl From<BadInput> for Failure {
    fn from(bad: BadInput) -> Self {
        Self::BadInput(bad)
    }
}

impl From<CannotBuild> for Failure {
    fn from(error: CannotBuild) -> Self {
        match error {
            CannotBuild::Plant { .. } => Self::BadInput(BadInput::new(error.to_string())),
            _ => Self::Step(error.to_string()),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    run_with(std::env::args_os().collect())
}

pub(crate) fn run_with(words: Vec<OsString>) -> ExitCode {
    let cli = Cli::parse_from(words);
    match run(&cli) {
        Ok(status) => status,
        Err(failure) => {
            let (line, status) = match &failure {
                Failure::BadInput(bad) => (bad.to_string(), 2),
                Failure::Step(line) => (line.clone(), 1),
            };
            let line = printable(&line);
            if cli.json {
                // A closed pipe is not reported in addition to the failure.
                let _ = writeln!(std::io::stdout(), "{}", serde_json::json!({ "error": { "message": line } }));
            }
            eprintln!("sandbox: {line}");
            ExitCode::from(status)
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Failure> {
    if cli.backend == BackendName::Linux && cli.mountinfo.is_some() {
        return Err(BadInput::new("--mountinfo is for the fake: on this kernel the mounts are real ones").into());
    }
    let spec_file = GivenFile::read_or(cli.spec.as_deref(), "config.json", SAMPLE_SPEC)?;
    let spec = RuntimeSpec::parse(&spec_file, cli.id.as_deref())?;
    let mountinfo_file = GivenFile::read_or(cli.mountinfo.as_deref(), "node.mountinfo", SAMPLE_MOUNTINFO)?;
    let table = captured(&mountinfo_file)?;
    let mut plant = Plant::default();
    plant.add(&GivenFile { name: "the embedded plant".to_owned(), bytes: SAMPLE_PLANT.to_vec() })?;
    if let Some(path) = &cli.plant {
        plant.add(&GivenFile::read(path)?)?;
    }
    let host = match cli.backend {
        BackendName::Fake => fake_host(&mountinfo_file, &plant, &spec)?,
        BackendName::Linux => linux_host(&table, &plant, &spec)?,
    };
    let story = Story::tell(&host, &spec).map_err(|error| Failure::Step(error.to_string()))?;
    let heading = heading(cli.backend, &spec_file, &spec, &host);
    let text = if cli.json {
        format!("{:#}\n", as_json::as_json(&heading, &story))
    } else {
        as_text::as_text(&heading, &story, Terminal::of_stdout())
    };
    written(&text, story.all_is_as_it_was())
}

fn written(text: &str, all_is_as_it_was: bool) -> Result<ExitCode, Failure> {
    write_out(&mut std::io::stdout(), text)
        .map_err(|error| Failure::Step(format!("cannot write the story: {error}")))?;
    Ok(ExitCode::from(u8::from(!all_is_as_it_was)))
}

fn heading(backend: BackendName, spec_file: &GivenFile, spec: &RuntimeSpec, host: &Host) -> Heading {
    Heading {
        container: spec.container.to_string(),
        sandbox: spec.sandbox.to_string(),
        backend: match backend {
            BackendName::Fake => "fake",
            BackendName::Linux => "linux",
        },
        spec: format!("{}, {} mounts", spec_file.name, spec.mounts.len()),
        host: host.description.clone(),
    }
}
