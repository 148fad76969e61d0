//! User namespaces with a map, made by a child process.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use mountwright_fake::IdRange;
use rustix::fs::{Mode, OFlags};
use rustix::io;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use rustix::thread::UnshareFlags;

use super::raw_calls::{close_all_but, unshare};
use crate::mortal_child::fork_running;

/// A user namespace with this map of users and groups. `links` is `/proc/self/fd`.
pub(super) fn user_namespace_with(links: BorrowedFd<'_>, map: &[IdRange]) -> io::Result<OwnedFd> {
    let failed = |error: std::io::Error| io::Errno::from_io_error(&error).unwrap_or(io::Errno::IO);
    let (mut ready, mut go) = std::io::pipe().map_err(failed)?;
    let child = fork_running(|| {
        let kept = [go.as_raw_fd()];
        if close_all_but(&kept).is_err() || unshare(UnshareFlags::NEWUSER).is_err() {
            return 1;
        }
        if go.write_all(&[1]).is_err() {
            return 1;
        }
        // Until the parent kills it.
        loop {
            std::thread::park();
        }
    });
    let child = child.map_err(failed)?;
    drop(go);
    let mut byte = [0];
    let started = ready.read(&mut byte).map_err(failed);
    let opened =
        started.and_then(|bytes| if bytes == 1 { open_mapped(links, child, map) } else { Err(io::Errno::PERM) });
    kill_process(child, Signal::KILL)?;
    waitpid(Some(child), WaitOptions::empty())?;
    opened
}

fn open_mapped(proc: BorrowedFd<'_>, child: Pid, map: &[IdRange]) -> io::Result<OwnedFd> {
    let of_child = |name: &str| format!("../../{}/{name}", child.as_raw_pid());
    let lines: Vec<String> =
        map.iter().map(|range| format!("{} {} {}", range.inside, range.outside, range.count)).collect();
    if !map.is_empty() {
        for name in ["uid_map", "gid_map"] {
            let flags = OFlags::WRONLY | OFlags::CLOEXEC;
            let file = rustix::fs::openat(proc, of_child(name), flags, Mode::empty())?;
            rustix::io::write(&file, lines.join("\n").as_bytes())?;
        }
    }
    rustix::fs::openat(proc, of_child("ns/user"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}
