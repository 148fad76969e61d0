//! Questions about mounts, on this machine: `cargo run --example ask -- --help`.

mod actions;
mod answer;
mod cli;
mod error_json;
mod lookups;
mod rules;
mod table;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use mountwright_core::Error;
use mountwright_linux::LinuxBackend;
use mountwright_tests::show::{Terminal, write_out};
use serde_json::json;

use answer::Answer;
use cli::{Cli, Question};

/// Exit status of a query that fails.
const NO_ANSWER: u8 = 1;
/// Exit status of a misused command line.
const MISUSE: u8 = 2;

pub(crate) fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    ExitCode::from(run(std::env::args_os().collect(), Terminal::of_stdout(), &mut out, &mut err))
}

/// Prints results to `out` and errors to `err`, and returns the exit status. A failed write to `err` is ignored.
pub(crate) fn run(arguments: Vec<OsString>, terminal: Terminal, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let wants_json = arguments.iter().take_while(|word| *word != "--").any(|word| word == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return misuse(&error, wants_json, out, err),
    };
    match ask(&LinuxBackend::new(), &cli) {
        Ok(answer) => {
            let text =
                if cli.json { format!("{}\n", answer.to_json(cli.question.word())) } else { answer.to_text(terminal) };
            let unwritten = write_out(out, &text).err().map(|error| format!("cannot write the answer: {error}"));
            match unwritten.as_deref().or(answer.refusal()) {
                Some(complaint) => {
                    let _ = writeln!(err, "ask: {complaint}");
                    NO_ANSWER
                }
                None => 0,
            }
        }
        Err(error) => {
            if cli.json {
                let _ = writeln!(out, "{}", error_json::error_json(cli.question.word(), &error));
            }
            let _ = writeln!(err, "ask: {}", one_line(&error.to_string()));
            NO_ANSWER
        }
    }
}

/// Repeats the query as often as requested, failed or not, and returns the last result.
fn ask(backend: &LinuxBackend, cli: &Cli) -> Result<Answer, Error> {
    let mut answer = ask_once(backend, cli);
    for _ in 1..cli.repeat {
        answer = ask_once(backend, cli);
    }
    answer
}

fn ask_once(backend: &LinuxBackend, cli: &Cli) -> Result<Answer, Error> {
    match &cli.question {
        Question::Device { path } => lookups::device(backend, path),
        Question::Backing { path } => lookups::backing(backend, path),
        Question::Mount { path } => lookups::mount(backend, path),
        Question::Volume { path } => rules::volume(backend, path),
        Question::Count { limit, path } => lookups::count(backend, path, *limit),
        Question::Watchable { path } => rules::watchable(backend, path),
        Question::System { path } => rules::system(path),
        Question::HostDevice { path } => lookups::host_device(backend, path),
        Question::Table { tree } => table::table(backend, *tree),
        // With `--repeat` each bind is made on top of the one before.
        Question::Bind(bind) => actions::bind(backend, bind, cli.repeat > 1),
        Question::RemountRo { path } => actions::remount_ro(backend, path),
        Question::Share { mounts, id, rootfs } => actions::share(backend, mounts, id, rootfs),
        Question::Unshare { mounts, id } => actions::unshare(backend, mounts, id),
    }
}

fn misuse(error: &clap::Error, wants_json: bool, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let rendered = error.render();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let _ = write!(out, "{rendered}");
        return 0;
    }
    let rendered = rendered.to_string();
    if wants_json {
        // The first line has the error; usage and hints follow it.
        let message = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let _ = writeln!(out, "{}", json!({ "error": { "kind": "Misuse", "message": message } }));
    }
    let _ = write!(err, "{rendered}");
    MISUSE
}

/// Escapes an error's text for one line of a terminal.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}
