//! The leftovers of an interrupted story.

use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use mountwright_fake::test_kit::LeakGuard;
use mountwright_linux::LinuxBackend;
use mountwright_tests::as_command::command;
use rustix::process::{Pid, Signal, kill_process};

use super::Case;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, run| Case { name, on_kernel: true, run };
    vec![
        case("linux: Ctrl-C leaves nothing mounted", || must_leave_nothing(Signal::INT)),
        case("linux: being told to end leaves nothing mounted", || must_leave_nothing(Signal::TERM)),
        case("linux: being killed leaves nothing mounted", || must_leave_nothing(Signal::KILL)),
    ]
}

/// The command, which a signal can end even where a shell has started this process in the background and had it ignore them.
fn interruptible(words: &[&str]) -> Result<Command, Failed> {
    let command = command(words)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    if ignored.unwrap_or(0) & (1 << (Signal::INT.as_raw() - 1)) == 0 {
        return Ok(command);
    }
    let mut with_defaults = Command::new("env");
    with_defaults.arg("--default-signal=INT").arg(command.get_program()).args(command.get_args());
    with_defaults.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(with_defaults)
}

/// At many moments of the story, some before its namespace exists and some after its end.
fn must_leave_nothing(signal: Signal) -> Result<(), Failed> {
    let backend = LinuxBackend::new();
    let guard = LeakGuard::of(&backend);
    let mut interrupted = 0;
    for milliseconds in 0..40 {
        let mut story = interruptible(&["--backend", "linux"])?.spawn()?;
        std::thread::sleep(Duration::from_millis(milliseconds));
        let pid = Pid::from_raw(i32::try_from(story.id())?).ok_or("no process")?;
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
        let ended = story.wait()?;
        interrupted += u32::from(ended.code().is_none());
        assert_eq!(guard.difference()?, None);
    }
    guard.check();
    if interrupted > 0 { Ok(()) } else { Err("no story was ever interrupted".into()) }
}
