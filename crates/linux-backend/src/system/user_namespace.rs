//! User namespaces, for the maps of owners that they have.

use std::io::PipeWriter;
use std::os::fd::{AsFd, OwnedFd};

use mountwright_core::mount::IdRange;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions};

use crate::syscalls::id_map_lines::lines;
use crate::system::procfs::Procfs;
use crate::system::raw;

/// `__WALL`: children without an exit signal too.
const OF_ANY_KIND: WaitIdOptions = WaitIdOptions::from_bits_retain(0x4000_0000);

/// The only process of a user namespace. It ends when this value is dropped, or with this process.
struct Child {
    number: u32,
    pidfd: OwnedFd,
    _gate: PipeWriter,
}

impl Child {
    fn new() -> Result<Self, Errno> {
        let pipe = std::io::pipe();
        let (gate, other_end) = pipe.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::MFILE))?;
        let (number, pidfd) = raw::child_in_user_namespace(gate.as_fd())?;
        Ok(Self { number, pidfd, _gate: other_end })
    }

    fn write_map(&self, procfs: &Procfs, name: &str, map: &[IdRange]) -> Result<(), Errno> {
        let file = procfs.open_of(&format!("{}/{name}", self.number), OFlags::WRONLY)?;
        // The kernel takes a map in one write or not at all.
        rustix::io::write(&file, lines(map).as_bytes()).map(drop)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may be stopped, with the group of this process: then it would not see the end of the pipe.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        let wait = || rustix::process::waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED | OF_ANY_KIND);
        while matches!(wait(), Err(Errno::INTR)) {}
    }
}

/// A new user namespace with these maps of users and of groups.
pub(super) fn new(procfs: &Procfs, [uids, gids]: [&[IdRange]; 2]) -> Result<OwnedFd, Errno> {
    let child = Child::new()?;
    child.write_map(procfs, "uid_map", uids)?;
    child.write_map(procfs, "gid_map", gids)?;
    procfs.user_namespace(child.number)
}
