//! Open files.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::filesystems::context::FilesystemContext;
use crate::model::store::arena::Key;
use crate::model::vfs::dentry::Name;
use crate::model::vfs::path::Place;
use crate::{Machine, Pid, abi};

pub(crate) type FileKey = Key<OpenFile>;

/// An open file: what descriptors, made by `dup` and `fork`, share.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    pub(crate) place: Place,
    /// Access mode and status flags.
    pub(crate) flags: u32,
    pub(crate) position: u64,
    /// In a directory: the last name given.
    pub(crate) last_name: Option<Name>,
    pub(crate) descriptors: u32,
    /// Counted among the writers of its mount.
    pub(crate) writes: bool,
    /// The descriptor of a tree that `open_tree` cloned: its end is the tree's, unless that was attached.
    pub(crate) ends_tree: bool,
    /// Open at a port: the token of the handle that closes it.
    pub(crate) port_token: Option<u64>,
    /// Holds the lock (flock(2)) of its inode.
    pub(crate) locked: bool,
    /// What `fsopen` and `fspick` opened.
    pub(crate) context: Option<Arc<FilesystemContext>>,
}

impl OpenFile {
    /// # Errors
    /// `EBADF`: opened with `O_PATH`.
    pub(crate) const fn check_usable(&self) -> Result<(), Errno> {
        if self.flags & abi::O_PATH == 0 { Ok(()) } else { Err(Errno::EBADF) }
    }
}

impl Machine {
    pub(crate) fn file_key(&self, pid: Pid, fd: i32) -> Result<FileKey, Errno> {
        self.task(pid)?.descriptors.get(&fd).copied().ok_or(Errno::EBADF)
    }

    pub(crate) fn file(&self, pid: Pid, fd: i32) -> Result<&OpenFile, Errno> {
        Ok(&self.files[self.file_key(pid, fd)?])
    }

    /// Opens a place and gives it the lowest free descriptor.
    pub(crate) fn install(&mut self, pid: Pid, place: Place, flags: u32, ends_tree: bool) -> Result<i32, Errno> {
        let writes = flags & abi::O_PATH == 0
            && flags & abi::O_ACCMODE != abi::O_RDONLY
            && !self.inodes[self.dentries[place.dentry].inode].is_special();
        let fd = self.task(pid)?.lowest_descriptor(0);
        self.hold(place);
        if writes {
            self.mounts[place.mount].writers += 1;
        }
        let file = self.files.insert(OpenFile {
            place,
            flags,
            position: 0,
            last_name: None,
            descriptors: 1,
            writes,
            ends_tree,
            port_token: None,
            locked: false,
            context: None,
        });
        self.task_mut(pid)?.descriptors.insert(fd, file);
        Ok(fd)
    }

    /// Marks a descriptor as open at a port, for one handle: the token is that handle's alone.
    pub(crate) fn open_at_port(&mut self, pid: Pid, fd: i32) -> Result<u64, Errno> {
        self.last_port_token += 1;
        let (key, token) = (self.file_key(pid, fd)?, self.last_port_token);
        self.files[key].port_token = Some(token);
        Ok(token)
    }

    /// Closes a descriptor of a port. Nothing where its number is another file's since: its process ended, or it was closed.
    pub(crate) fn close_at_port(&mut self, pid: Pid, fd: i32, token: u64) {
        if self.file(pid, fd).is_ok_and(|file| file.port_token == Some(token)) {
            // It is open.
            let _ = self.close(pid, fd);
        }
    }

    /// Closes every descriptor that is open at a port. Their holders hold a copy of this machine.
    pub(crate) fn close_all_of_ports(&mut self) {
        for pid in self.tasks.keys().copied().collect::<Vec<_>>() {
            self.close_all_of_ports_of(pid);
        }
    }

    /// Closes every descriptor of one process that is open at a port.
    pub(crate) fn close_all_of_ports_of(&mut self, pid: Pid) {
        for fd in self.descriptors(pid).unwrap_or_default() {
            if self.file(pid, fd).is_ok_and(|file| file.port_token.is_some()) {
                // It is open.
                let _ = self.close(pid, fd);
            }
        }
    }

    /// One descriptor less; the last one ends the open file.
    pub(crate) fn drop_file(&mut self, key: FileKey) {
        let file = &mut self.files[key];
        file.descriptors -= 1;
        if file.descriptors > 0 {
            return;
        }
        let (place, writes, ends_tree) = (file.place, file.writes, file.ends_tree);
        let superblock = file.context.as_ref().and_then(|context| context.superblock);
        self.files.remove(key);
        if writes {
            self.mounts[place.mount].writers -= 1;
        }
        if ends_tree && self.is_detached_root(place.mount) {
            let how = crate::model::mounts::umount::Unmount { connected: true, sync: false, propagate: false };
            self.unmount_tree(place.mount, how);
        }
        if let Some(superblock) = superblock {
            self.release_superblock(superblock);
        }
        self.let_go(place);
    }
}
