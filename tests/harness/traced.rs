//! A forked process whose system calls are reported one by one.

#![allow(unsafe_code)] // ptrace(2) has no safe binding.

use std::io;
use std::mem::MaybeUninit;

use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::mortal_child::fork_running;

/// The way on from a system call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To the next one.
    Call,
    /// At its own speed, to where the process stops itself (`SIGSTOP`).
    Stop,
}

/// The end of a traced process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(i32),
    /// It was killed.
    Killed,
}

/// Runs `act` in a forked process and reports its system calls by number to `at_call`, which says how to go on.
///
/// Every other thread of this process has to wait for this one.
pub fn traced(first: Next, act: impl FnOnce() -> i32, mut at_call: impl FnMut(u64) -> Next) -> io::Result<End> {
    let child = fork_running(|| {
        // SAFETY: the request takes no further arguments.
        if unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } == -1 {
            return 102;
        }
        // From here on the parent looks.
        if kill_process(getpid(), Signal::STOP).is_err() {
            return 103;
        }
        act()
    })?;
    let child = Child(child);
    child.wait()?;
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    child.ask(libc::PTRACE_SETOPTIONS, usize::try_from(options).expect("small"))?;
    let (mut next, mut signal) = (first, 0);
    loop {
        let request = if next == Next::Call { libc::PTRACE_SYSCALL } else { libc::PTRACE_CONT };
        child.ask(request, usize::try_from(signal).unwrap_or_default())?;
        signal = 0;
        match child.wait()? {
            Stop::Ended(end) => return Ok(end),
            Stop::Signal(libc::SIGSTOP) => next = Next::Call,
            Stop::Signal(other) => signal = other,
            Stop::Enters(number) => next = at_call(number),
        }
    }
}

enum Stop {
    /// It enters the system call of this number.
    Enters(u64),
    /// It got a signal, or (0) returns from a call.
    Signal(i32),
    Ended(End),
}

struct Child(Pid);

impl Child {
    fn ask(&self, request: libc::c_uint, data: usize) -> io::Result<()> {
        let nowhere = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: these requests take numbers alone, and the child is traced by this thread.
        let done = unsafe { libc::ptrace(request, self.0.as_raw_nonzero().get(), nowhere, data) };
        match io::Error::last_os_error() {
            // Killed while it was stopped: the next wait reports it.
            error if done == -1 && error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            error if done == -1 => Err(error),
            _ => Ok(()),
        }
    }

    fn wait(&self) -> io::Result<Stop> {
        let (pid, mut status) = (self.0.as_raw_nonzero().get(), 0);
        // SAFETY: `status` is a live integer for the call to write to.
        if unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } == -1 {
            return Err(io::Error::last_os_error());
        }
        if libc::WIFEXITED(status) {
            return Ok(Stop::Ended(End::Exited(libc::WEXITSTATUS(status))));
        }
        if libc::WIFSIGNALED(status) {
            return Ok(Stop::Ended(End::Killed));
        }
        let signal = libc::WSTOPSIG(status);
        if signal != libc::SIGTRAP | 0x80 {
            return Ok(Stop::Signal(signal));
        }
        let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        // SAFETY: the kernel writes at most `size` bytes to `info`, which is that large.
        let told = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, info.as_mut_ptr()) };
        if told == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all zeroes is a valid value of this structure of integers, and the kernel has written over it.
        let info = unsafe { info.assume_init() };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(Stop::Signal(0));
        }
        // SAFETY: `op` says which field of the union was written.
        Ok(Stop::Enters(unsafe { info.u.entry.nr }))
    }
}
