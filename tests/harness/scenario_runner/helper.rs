//! A process that lives in one namespace of a scenario and performs the steps there.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use mountwright_core::Errno;
use rustix::fs::{Mode, OFlags};
use rustix::io;
use rustix::process::{Pid, Signal, WaitOptions, getpid, getppid, kill_process, waitpid};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use serde::{Deserialize, Serialize};

use super::credentials::die_with_parent;
use super::kernel_calls::KernelCalls;
use super::performer::Performer;
use super::raw_calls::{close_all_but, unshare};
use super::scenario_world::broken;
use crate::mortal_child::fork_running;
use crate::scenario::returned::Returned;
use crate::scenario::{CannotRun, Step};

/// The process whose namespaces a new helper copies.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// The calling process
    Here,
    /// Those of another helper
    Helper { pid: Pid, user: bool },
}

/// The near end of a helper process. Dropping it ends the process, and the namespace if no other process is in it.
#[derive(Debug)]
pub(super) struct Helper {
    pid: Pid,
    /// True if it has a user namespace of its own
    user: bool,
    replies: BufReader<UnixStream>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    step: Step,
    filesystem: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Returned(Returned),
    Failed(i32),
    Broken(String),
}

impl Helper {
    /// Starts a process in a copy of the origin's mount namespace. The errno is that of unshare(2).
    pub(super) fn start(proc: BorrowedFd<'_>, origin: Origin, user: bool) -> Result<Result<Self, Errno>, CannotRun> {
        let (near, far) = UnixStream::pair().map_err(|error| broken("socketpair", error))?;
        let parent = getpid();
        let pid = fork_running(|| match live(parent, proc, origin, user, &far) {
            Ok(()) => 0,
            Err(reply) => i32::from(send(&far, &reply).is_err()),
        })
        .map_err(|errno| broken("fork", errno))?;
        drop(far);
        let user = user || matches!(origin, Origin::Helper { user: true, .. });
        let mut helper = Self { pid, user, replies: BufReader::new(near) };
        Ok(helper.reply()?.map(|_| helper))
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::Helper { pid: self.pid, user: self.user }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Performs the step in the helper.
    pub(super) fn perform(&mut self, step: &Step, filesystem: u64) -> Result<Result<Returned, Errno>, CannotRun> {
        send(self.replies.get_ref(), &Request { step: step.clone(), filesystem })
            .map_err(|error| broken("asking a helper", error))?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Result<Returned, Errno>, CannotRun> {
        let mut line = String::new();
        self.replies.read_line(&mut line).map_err(|error| broken("hearing a helper", error))?;
        match serde_json::from_str(&line).map_err(|error| broken("a helper died", error))? {
            Reply::Returned(returned) => Ok(Ok(returned)),
            Reply::Failed(errno) => Ok(Err(Errno::from_raw(errno).unwrap_or(Errno::EINVAL))),
            Reply::Broken(what) => Err(CannotRun::Broken(what)),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Waiting makes sure that its namespace is gone when this returns. A failure cannot be reported here.
        let _ = kill_process(self.pid, Signal::KILL);
        let _ = waitpid(Some(self.pid), WaitOptions::empty());
    }
}

fn send(mut stream: &UnixStream, message: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// The life of the forked process; the error is its last message.
fn live(parent: Pid, proc: BorrowedFd<'_>, origin: Origin, user: bool, far: &UnixStream) -> Result<(), Reply> {
    let fail =
        |what: &'static str| move |errno: io::Errno| Reply::Broken(format!("{what} of a helper answers {errno}"));
    die_with_parent().map_err(fail("prctl"))?;
    if getppid() != Some(parent) {
        return Ok(());
    }
    close_all_but(&[far.as_raw_fd(), proc.as_raw_fd()]).map_err(fail("close_range"))?;
    if let Origin::Helper { pid, user } = origin {
        join(proc, pid, user).map_err(fail("setns"))?;
    }
    let unshared = if user { unshare_with_user(proc)? } else { unshare(UnshareFlags::NEWNS) };
    unshared.map_err(|errno| Reply::Failed(errno.raw_os_error()))?;
    // Joining and unsharing a user namespace reset it.
    die_with_parent().map_err(fail("prctl"))?;
    rustix::process::chdir("/").map_err(fail("chdir"))?;
    let calls = KernelCalls::new(proc).map_err(fail("open(/proc/self/fd)"))?;
    serve(calls, far).map_err(|error| Reply::Broken(error.to_string()))
}

/// Enters another process's namespaces, and its root: setns(2) alone enters the top of the stack on that root.
fn join(proc: BorrowedFd<'_>, pid: Pid, user: bool) -> io::Result<()> {
    let open = |name: &str| {
        let path = format!("{}/ns/{name}", pid.as_raw_pid());
        rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    };
    let mount = open("mnt")?;
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(proc, format!("{}/root", pid.as_raw_pid()), directory, Mode::empty())?;
    if user {
        move_into_link_name_space(open("user")?.as_fd(), Some(LinkNameSpaceType::User))?;
    }
    move_into_link_name_space(mount.as_fd(), Some(LinkNameSpaceType::Mount))?;
    rustix::process::fchdir(root)?;
    rustix::process::chroot(".")
}

/// Enters a user namespace that maps 0 to 0 and 65534 to 65534.
///
/// Only a process of the parent namespace may write more than one line of a map, hence the second process.
fn unshare_with_user(proc: BorrowedFd<'_>) -> Result<io::Result<()>, Reply> {
    let fail = |what: &'static str| move |error: std::io::Error| Reply::Broken(format!("{what}: {error}"));
    let (mut ready, mut go) = std::io::pipe().map_err(fail("pipe"))?;
    let child = getpid();
    let mapper = fork_running(|| {
        // An open copy of the other end would keep it waiting for ever if nothing is to be mapped.
        if close_all_but(&[ready.as_raw_fd(), proc.as_raw_fd()]).is_err() {
            return 1;
        }
        let mut byte = [0];
        match ready.read(&mut byte) {
            Ok(1) => i32::from(write_maps(proc, child).is_err()),
            _ => 0,
        }
    });
    let mapper = mapper.map_err(|errno| Reply::Broken(format!("fork of a helper answers {errno}")))?;
    let unshared = unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS);
    if unshared.is_ok() {
        go.write_all(&[1]).map_err(fail("pipe"))?;
    }
    drop(go);
    let status = waitpid(Some(mapper), WaitOptions::empty());
    let written = matches!(status, Ok(Some((_, status))) if status.exit_status() == Some(0));
    if unshared.is_ok() && !written {
        return Err(Reply::Broken("the maps of a user namespace cannot be written".to_owned()));
    }
    Ok(unshared)
}

fn write_maps(proc: BorrowedFd<'_>, pid: Pid) -> io::Result<()> {
    for map in ["uid_map", "gid_map"] {
        let path = format!("{}/{map}", pid.as_raw_pid());
        let file = rustix::fs::openat(proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, b"0 0 1\n65534 65534 1\n")?;
    }
    Ok(())
}

/// Reports that it is ready, then performs requests until the other end is closed.
fn serve(mut calls: KernelCalls, far: &UnixStream) -> std::io::Result<()> {
    let mut performer = Performer::default();
    send(far, &Reply::Returned(Returned::Nothing))?;
    let mut requests = BufReader::new(far);
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        let Request { step, filesystem } = serde_json::from_str(&line)?;
        let reply = match performer.perform(&mut calls, &step, filesystem) {
            Ok(Ok(returned)) => Reply::Returned(returned),
            Ok(Err(errno)) => Reply::Failed(errno.raw()),
            Err(error) => Reply::Broken(error.to_string()),
        };
        send(far, &reply)?;
        line.clear();
    }
    Ok(())
}
