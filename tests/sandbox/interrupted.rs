//! What is left when the story is interrupted.

use std::time::Duration;

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use super::Case;
use super::running::{Table, command};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name, run| Case { name, on_kernel: true, run };
    vec![
        case("linux: Ctrl-C leaves nothing mounted", || must_leave_nothing(Signal::INT)),
        case("linux: being told to end leaves nothing mounted", || must_leave_nothing(Signal::TERM)),
        case("linux: being killed leaves nothing mounted", || must_leave_nothing(Signal::KILL)),
    ]
}

/// At many moments of the story, of which some are before its namespace is there and some after its end.
fn must_leave_nothing(signal: Signal) -> Result<(), Failed> {
    let before = Table::read()?;
    let mut interrupted = 0;
    for milliseconds in 0..40 {
        let mut story = command(&["--backend", "linux"])?.spawn()?;
        std::thread::sleep(Duration::from_millis(milliseconds));
        let pid = Pid::from_raw(i32::try_from(story.id())?).ok_or("no process")?;
        // It may have ended by itself.
        let _ = kill_process(pid, signal);
        let ended = story.wait()?;
        interrupted += u32::from(ended.code().is_none());
        before.must_be_the_same()?;
    }
    if interrupted > 0 { Ok(()) } else { Err("no story was ever interrupted".into()) }
}
