//! Filesystems whose server hangs, fails or serves one user only.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::{DeviceNumber, Errno};

use crate::model::keys::{InodeKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::device_number::Device;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::server::Server;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// The errno of a call that would block for ever. No system call of this project returns it for any other reason.
pub(crate) const WOULD_WAIT: Errno = Errno::EDEADLK;

impl Machine {
    /// Lets the server of the filesystem at the path (as the first process sees it) hang: from now on every call that
    /// would wait for it, on every mount of it, fails with `EDEADLK`, so that a test fails instead of blocking.
    ///
    /// As on a FUSE mount whose server never replies: mounts there can be looked at, bound, moved and unmounted, and
    /// `statx` with `AT_STATX_DONT_SYNC`, `open` with `O_PATH` and `open_tree` of the root succeed. Names below the
    /// root, metadata, listing and contents wait (with `RESOLVE_CACHED`: `EAGAIN`).
    ///
    /// # Errors
    /// Those of the walk.
    pub fn hang(&mut self, path: &Path) -> Result<(), Errno> {
        self.set_hanging(path, true)
    }

    /// Lets the server reply again.
    ///
    /// # Errors
    /// Those of the walk.
    pub fn unhang(&mut self, path: &Path) -> Result<(), Errno> {
        self.set_hanging(path, false)
    }

    fn set_hanging(&mut self, path: &Path, hangs: bool) -> Result<(), Errno> {
        self.set_server(path, if hangs { Server::Hangs } else { Server::Answers })
    }

    /// Sets the behaviour of the server behind the filesystem that holds the path (as the first process sees it).
    ///
    /// # Errors
    /// Those of the walk.
    pub fn set_server(&mut self, path: &Path, server: Server) -> Result<(), Errno> {
        let place = self.walk(Self::INIT, At::Cwd, path.as_os_str().as_bytes(), WalkFlags::FOLLOW)?;
        let superblock = self.mounts[place.mount].superblock;
        self.superblocks[superblock].server = server;
        Ok(())
    }

    /// Gives one file (as the first process finds it) an `st_dev` that is not its superblock's, as overlayfs shows files of
    /// layers on several filesystems.
    ///
    /// # Errors
    /// Those of the walk.
    pub fn set_shown_device(&mut self, path: &Path, device: DeviceNumber) -> Result<(), Errno> {
        let inode = self.inode_at(Self::INIT, At::Cwd, path.as_os_str().as_bytes())?;
        self.inodes[inode].device = Some(Device { major: device.major(), minor: device.minor() });
        Ok(())
    }

    /// # Errors
    /// `EDEADLK`: the call needs the server, which hangs. `EACCES`: the server serves another user only.
    pub(crate) fn ask_server(&self, pid: Pid, superblock: SuperKey) -> Result<(), Errno> {
        match self.superblocks[superblock].server {
            Server::Hangs => Err(WOULD_WAIT),
            Server::Serves(owner) if self.task(pid)?.credentials.uid != owner => Err(Errno::EACCES),
            _ => Ok(()),
        }
    }

    /// The same of the filesystem that a place is in.
    pub(crate) fn ask_server_of(&self, pid: Pid, place: Place) -> Result<(), Errno> {
        self.ask_server(pid, self.mounts[place.mount].superblock)
    }

    /// Returns true if the process may see attributes at all, cached ones included.
    pub(crate) fn is_served(&self, pid: Pid, place: Place) -> bool {
        self.ask_server_of(pid, place) != Err(Errno::EACCES)
    }

    /// Returns the inode at a path; a final symlink is followed.
    pub(crate) fn inode_at(&mut self, pid: Pid, at: At, path: &[u8]) -> Result<InodeKey, Errno> {
        let place = self.walk(pid, at, path, WalkFlags::FOLLOW)?;
        Ok(self.dentries[place.dentry].inode)
    }
}
