//! Filesystems whose server does not answer.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::Errno;

use super::inode::InodeKey;
use super::place::Place;
use super::superblock::SuperKey;
use super::walk_flags::WalkFlags;
use crate::{At, Machine, Pid};

/// What a call answers that would wait for ever. No system call that this project makes has it for any other reason.
pub(crate) const WOULD_WAIT: Errno = Errno::EDEADLK;

impl Machine {
    /// Lets the server behind the filesystem that holds the path (as the first process sees it) die: from now on every call
    /// that would wait for it, on every mount of it, is `EDEADLK`, so that the test fails that would hang.
    ///
    /// As on a FUSE mount whose server never answers: what is mounted there can be looked at, bound, moved and unmounted;
    /// `statx` with `AT_STATX_DONT_SYNC`, `open` with `O_PATH` and `open_tree` of the root answer. Names below the root,
    /// metadata, listing and contents wait (with `RESOLVE_CACHED`: `EAGAIN`).
    ///
    /// # Errors
    /// Those of the walk.
    pub fn hang(&mut self, path: &Path) -> Result<(), Errno> {
        self.set_hanging(path, true)
    }

    /// Lets it answer again.
    ///
    /// # Errors
    /// Those of the walk.
    pub fn unhang(&mut self, path: &Path) -> Result<(), Errno> {
        self.set_hanging(path, false)
    }

    fn set_hanging(&mut self, path: &Path, hangs: bool) -> Result<(), Errno> {
        let place = self.walk(Self::INIT, At::Cwd, path.as_os_str().as_bytes(), WalkFlags::FOLLOW)?;
        let superblock = self.mounts[place.mount].superblock;
        self.superblocks[superblock].hangs = hangs;
        Ok(())
    }

    /// # Errors
    /// `EDEADLK`: the server would have to be asked, and does not answer.
    pub(crate) fn ask_server(&self, superblock: SuperKey) -> Result<(), Errno> {
        if self.superblocks[superblock].hangs { Err(WOULD_WAIT) } else { Ok(()) }
    }

    /// The same of the filesystem that a place is in.
    pub(crate) fn ask_server_of(&self, place: Place) -> Result<(), Errno> {
        self.ask_server(self.mounts[place.mount].superblock)
    }

    /// What a path leads to.
    pub(crate) fn inode_at(&mut self, pid: Pid, at: At, path: &[u8]) -> Result<InodeKey, Errno> {
        let place = self.walk(pid, at, path, WalkFlags::FOLLOW)?;
        Ok(self.dentries[place.dentry].inode)
    }
}
