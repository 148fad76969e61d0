//! One run of a test program with a fault switched on.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// No run needs so many bytes: a fault that makes a ring endless takes all that there are.
const MOST_MEMORY: u64 = 4 << 30;

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Passed,
    Failed,
    /// It did not end, and was killed
    Hung,
}

/// A program with its arguments and variables.
pub(crate) struct Lane<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
    /// The file that holds the number of the fault.
    pub(crate) switch: &'a Path,
    /// The time limit: a longer run hangs, which counts as a detection
    pub(crate) patience: Duration,
}

impl Lane<'_> {
    /// Runs it, with this fault or with none.
    ///
    /// # Errors
    /// If it cannot be run.
    pub(crate) fn run(&self, mutant: Option<usize>) -> Result<Ending, String> {
        let mut command = Command::new(self.program);
        command.args(&self.arguments).envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let switched = std::fs::write(self.switch, mutant.map_or(String::new(), |number| number.to_string()));
        let ended = switched.and_then(|()| finish(&mut command, self.patience));
        let status = ended.map_err(|error| format!("{}: {error}", self.program.display()))?;
        Ok(match status {
            Some(status) if status.success() => Ending::Passed,
            Some(_) => Ending::Failed,
            None => Ending::Hung,
        })
    }
}

/// Returns the exit status; `None` if the run did not end and was killed.
fn finish(command: &mut Command, patience: Duration) -> std::io::Result<Option<ExitStatus>> {
    let mut child = command.spawn()?;
    bound_memory(&child)?;
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if begun.elapsed() > patience {
            // Its worker processes die with it.
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Also of the worker processes that it will start.
fn bound_memory(child: &Child) -> std::io::Result<()> {
    let most = Some(MOST_MEMORY);
    match prlimit(Some(Pid::from_child(child)), Resource::As, Rlimit { current: most, maximum: most }) {
        // It has ended already.
        Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
