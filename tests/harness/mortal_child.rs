//! A forked process, which may be killed while it acts.

// fork(2) has no safe binding; the one block says why it is sound here.
#![allow(unsafe_code)]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Pid, Signal, WaitOptions, waitpid};

/// The end of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// It has returned from its function.
    Done,
    /// It was killed.
    Killed,
    /// It panicked, or ended in another way.
    Failed,
}

/// Runs `child` in a forked process, which ends with the status that it returns; the parent gets its pid.
///
/// The process must have one thread, or the others must wait for this one, or hold no lock: a lock held by another would stay
/// locked in the child for good.
pub fn fork_running(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: no lock is held by a thread that the child does not have; the child leaves by `_exit` on every way.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // A panic must not unwind into the copy of the parent's frames.
            let status = catch_unwind(AssertUnwindSafe(child)).unwrap_or(101);
            // SAFETY: it ends this process and touches nothing.
            unsafe { libc::_exit(status) }
        }
        pid => Pid::from_raw(pid).ok_or_else(|| io::Error::other("fork(2) gave no pid")),
    }
}

/// Starts a child process in the same namespaces that does something and ends ([`fork_running`]).
pub fn start_child(act: impl FnOnce()) -> io::Result<Pid> {
    fork_running(|| {
        act();
        0
    })
}

/// Waits until a child has ended.
pub fn end_of(child: Pid) -> io::Result<ChildEnd> {
    let Some((_, status)) = waitpid(Some(child), WaitOptions::empty())? else {
        return Err(io::Error::other("the child has not ended"));
    };
    Ok(match (status.exit_status(), status.terminating_signal()) {
        (Some(0), _) => ChildEnd::Done,
        (_, Some(signal)) if signal == Signal::KILL.as_raw() => ChildEnd::Killed,
        _ => ChildEnd::Failed,
    })
}
