//! A second process that is killed while it acts.

// fork(2) has no safe binding; the one block says why it is sound here.
#![allow(unsafe_code)]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

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

/// Ends this process at once, as a crash or the kernel's memory killer does: nothing unwinds, nothing is cleaned up.
pub fn kill_oneself() {
    // A process can always kill itself; if this failed, the child would continue and the parent would report it.
    let _ = kill_process(getpid(), Signal::KILL);
}

/// Starts a child process with a copy of everything, in the same namespaces, that does something and ends. No other thread of
/// the caller may hold a lock.
///
/// # Errors
///
/// The kernel refuses a child.
pub fn start_child(act: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: no lock is held by a thread that the child does not have; the child leaves by `_exit` on every way.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            let code = i32::from(catch_unwind(AssertUnwindSafe(act)).is_err());
            // SAFETY: it ends this process and touches nothing.
            unsafe { libc::_exit(code) }
        }
        pid => Pid::from_raw(pid).ok_or_else(|| io::Error::other("fork(2) gave no pid")),
    }
}

/// Waits until a child has ended.
///
/// # Errors
///
/// The kernel does not report its end.
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

/// Does something in a child process ([`start_child`]) and waits until it has ended.
///
/// # Errors
///
/// The kernel refuses a child, or does not report its end.
pub fn in_a_child(act: impl FnOnce()) -> io::Result<ChildEnd> {
    end_of(start_child(act)?)
}
