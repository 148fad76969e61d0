//! Counting a child's system calls. All unsafe code of this test.
#![allow(unsafe_code)] // ptrace(2) has no safe binding.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::child;

/// The result of a count.
pub(crate) enum Counted {
    /// For each operation the numbers of the calls between its marks, in their order.
    Calls(Vec<Vec<u64>>),
    /// The child may not have a namespace of its own.
    NoNamespace,
}

/// The state of the child when it stops.
enum Stop {
    /// It enters the system call of this number.
    Enters(u64),
    /// It got a signal, or returns from a call.
    Other(i32),
    Exited(i32),
}

struct Child(libc::pid_t);

impl Child {
    fn ask(&self, request: libc::c_uint, data: usize) -> io::Result<()> {
        let nowhere = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: these requests take numbers alone, and the child is traced by this thread.
        let done = unsafe { libc::ptrace(request, self.0, nowhere, data) };
        if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn wait(&self) -> io::Result<Stop> {
        let mut status = 0;
        // SAFETY: `status` is a live integer for the call to write to.
        if unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) } == -1 {
            return Err(io::Error::last_os_error());
        }
        if libc::WIFEXITED(status) {
            return Ok(Stop::Exited(libc::WEXITSTATUS(status)));
        }
        if libc::WIFSIGNALED(status) {
            return Ok(Stop::Exited(-libc::WTERMSIG(status)));
        }
        let signal = libc::WSTOPSIG(status);
        if signal != libc::SIGTRAP | 0x80 {
            return Ok(Stop::Other(signal));
        }
        let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
        let size = size_of::<libc::ptrace_syscall_info>();
        // SAFETY: the kernel writes at most `size` bytes to `info`, which is that large.
        let told = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, self.0, size, info.as_mut_ptr()) };
        if told == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: all zeroes is a valid value of this structure of integers, and the kernel has written over it.
        let info = unsafe { info.assume_init() };
        if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
            return Ok(Stop::Other(0));
        }
        // SAFETY: `op` says which field of the union was written.
        Ok(Stop::Enters(unsafe { info.u.entry.nr }))
    }
}

/// Runs this binary as a child that does everything among this many mounts.
pub(crate) fn count(crowd: usize) -> io::Result<Counted> {
    let mut command = Command::new(std::env::current_exe()?);
    child::ask(&mut command, crowd);
    // SAFETY: between fork and exec only ptrace(2) is called, which is a system call and nothing more.
    unsafe {
        command.pre_exec(|| match libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let child = Child(libc::pid_t::try_from(command.spawn()?.id()).expect("a pid is a pid_t"));
    child.wait()?;
    let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
    child.ask(libc::PTRACE_SETOPTIONS, usize::try_from(options).expect("small"))?;
    // At its own speed until it is ready.
    let (mut how, mut signal) = (libc::PTRACE_CONT, 0);
    let (mut done, mut counting) = (Vec::new(), None);
    loop {
        child.ask(how, usize::try_from(signal).unwrap_or_default())?;
        signal = 0;
        match child.wait()? {
            Stop::Exited(0) => return Ok(Counted::Calls(done)),
            Stop::Exited(code) if code == i32::from(child::NO_NAMESPACE) => return Ok(Counted::NoNamespace),
            Stop::Exited(code) => {
                return Err(io::Error::other(format!("exit code {code} after {} things", done.len())));
            }
            Stop::Other(libc::SIGSTOP) => how = libc::PTRACE_SYSCALL,
            Stop::Other(other) => signal = other,
            Stop::Enters(nr) if nr == number(libc::SYS_getppid) => match counting.take() {
                None => counting = Some(Vec::new()),
                Some(calls) => {
                    done.push(calls);
                    how = libc::PTRACE_CONT;
                }
            },
            Stop::Enters(nr) if cfg!(debug_assertions) && nr == number(libc::SYS_fcntl) => {}
            Stop::Enters(nr) => counting.iter_mut().for_each(|calls: &mut Vec<u64>| calls.push(nr)),
        }
    }
}

fn number(call: libc::c_long) -> u64 {
    u64::try_from(call).expect("numbers of system calls are not negative")
}
