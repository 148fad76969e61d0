//! A test program that is also the command of the example that it tests.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mountwright_fake::test_kit::LeakGuard;
use mountwright_linux::LinuxBackend;

/// The first argument of the process that is to be the command.
const AS_COMMAND: &str = "--as-command";

/// Returns the words of the command if this process is to be the command.
pub fn command_words() -> Option<Vec<OsString>> {
    let mut words: Vec<_> = std::env::args_os().collect();
    (words.get(1)? == AS_COMMAND).then(|| {
        words.remove(1);
        words
    })
}

/// The command, as the copy of this program at `program`.
pub fn command_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(AS_COMMAND).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The command with these words.
pub fn command(words: &[&str]) -> std::io::Result<Command> {
    let mut command = command_of(&std::env::current_exe()?);
    command.args(words);
    Ok(command)
}

/// Runs a command to its end; the mount table must be as before.
pub fn ended(mut command: Command) -> std::io::Result<Output> {
    let backend = LinuxBackend::new();
    let guard = LeakGuard::of(&backend);
    let output = command.output()?;
    guard.check();
    Ok(output)
}
