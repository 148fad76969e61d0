//! Open files.

use mountwright_core::Errno;

use crate::abi;
use crate::model::keys::FileKey;
use crate::model::machine::Machine;
use crate::model::objects::open_file::OpenFile;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;

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

    /// Marks a descriptor as open at a port, for one handle: the token is unique to that handle.
    pub(crate) fn open_at_port(&mut self, pid: Pid, fd: i32) -> Result<u64, Errno> {
        self.last_port_token += 1;
        let (key, token) = (self.file_key(pid, fd)?, self.last_port_token);
        self.files[key].port_token = Some(token);
        Ok(token)
    }

    /// Closes a descriptor of a port, unless its number belongs to another file by now: its process ended, or it was
    /// closed.
    pub(crate) fn close_at_port(&mut self, pid: Pid, fd: i32, token: u64) {
        if self.file(pid, fd).is_ok_and(|file| file.port_token == Some(token)) {
            // It is open.
            let _ = self.close_descriptor(pid, fd);
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
                let _ = self.close_descriptor(pid, fd);
            }
        }
    }

    /// Removes one descriptor; the last one ends the open file.
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

    /// The descriptors that the process has open, in order: what `/proc/PID/fd` lists.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn descriptors(&self, pid: Pid) -> Result<Vec<i32>, Errno> {
        Ok(self.task(pid)?.descriptors.iter().map(|(&fd, _)| fd).collect())
    }

    /// Bytes of `/proc/PID/fdinfo/FD` (position, flags, `mnt_id`, inode).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fdinfo(&self, pid: Pid, fd: i32) -> Result<Vec<u8>, Errno> {
        let OpenFile { place, flags, position, .. } = self.file(pid, fd)?;
        let mount = self.mounts[place.mount].id;
        let inode = self.inodes[self.dentries[place.dentry].inode].number;
        Ok(format!("pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t{mount}\nino:\t{inode}\n").into_bytes())
    }

    /// Closes a descriptor.
    ///
    /// # Errors
    /// `EBADF`.
    pub(crate) fn close_descriptor(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        let file = self.file_key(pid, fd)?;
        self.task_mut(pid)?.descriptors.remove(&fd);
        self.drop_file(file);
        Ok(())
    }
}
