//! One run of a test program with a fault switched on.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A run that takes longer hangs, which is a way of finding a fault too.
const MOST: Duration = Duration::from_mins(10);

/// A program with its arguments and variables.
pub(crate) struct Lane<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Lane<'_> {
    /// Whether it passes, with this fault or with none.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub(crate) fn passes(&self, mutant: Option<usize>) -> Result<bool, String> {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).envs(self.variables.iter().cloned()).env_remove("MOUNTWRIGHT_MUTANT");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(number) = mutant {
            command.env("MOUNTWRIGHT_MUTANT", number.to_string());
        }
        let status = finish(&mut command).map_err(|error| format!("{}: {error}", self.program.display()))?;
        Ok(status.is_some_and(|status| status.success()))
    }
}

/// How it ended; `None`: it did not, and was killed.
fn finish(command: &mut Command) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > MOST {
            // Its worker processes die with it.
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
