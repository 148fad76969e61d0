//! The process of an OCI bundle in new namespaces and a root that the library has built: `cargo run --example container --
//! --bundle DIR`, `-- --help` for more.

mod bundle;
mod cli;
mod init;
mod model;
mod namespaces;
mod raw;
mod root;
mod terminal;

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mountwright_linux::LinuxBackend;
use mountwright_tests::show::{printable, write_out};

use bundle::Bundle;
use cli::{BackendName, Cli};

/// The exit status of a bundle that cannot be run.
const REFUSED: u8 = 2;

/// The reason why a bundle cannot be run, one line.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl Refused {
    pub(crate) fn new(line: impl Into<String>) -> Self {
        Self(line.into())
    }

    /// With its causes.
    pub(crate) fn because(error: impl std::error::Error) -> Self {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            // Writing to a String cannot fail.
            let _ = write!(line, ": {error}");
            cause = error.source();
        }
        Self(line)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

pub(crate) fn main() -> ExitCode {
    run_with(std::env::args_os().collect())
}

pub(crate) fn run_with(words: Vec<OsString>) -> ExitCode {
    match run(&Cli::parse_from(words)) {
        Ok(status) => ExitCode::from(status),
        Err(refused) => {
            eprintln!("container: {refused}");
            ExitCode::from(REFUSED)
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Refused> {
    let bundle = Bundle::read(&cli.bundle, &cli.command)?;
    let text = match (cli.plan, cli.backend) {
        (true, _) => described(&bundle)?,
        (false, BackendName::Fake) => model::play(&bundle)?,
        // The statuses of a process are those of a byte.
        (false, BackendName::Linux) => return Ok(u8::try_from(namespaces::run(&bundle)?).unwrap_or(u8::MAX)),
    };
    write_out(&mut std::io::stdout(), &text).map_err(|error| Refused::new(format!("cannot write: {error}")))?;
    Ok(0)
}

/// The steps of the plan, and what it says of the host and of a runtime.
fn described(bundle: &Bundle) -> Result<String, Refused> {
    let mut text = bundle.plan.to_string();
    let created = bundle.plan.creates(&LinuxBackend::new()).map_err(Refused::because)?;
    let created: Vec<_> = created.iter().map(ToString::to_string).collect();
    for (heading, lines) in [("create on the host", &created[..]), ("leave to a runtime", bundle.plan.not_mine())] {
        if !lines.is_empty() {
            text.extend([heading, "\n"]);
        }
        for line in lines {
            text.extend(["  ", line, "\n"]);
        }
    }
    Ok(text)
}
