//! `unlinkat`: removal of names.

use mountwright_core::Errno;

use crate::abi::{AT_REMOVEDIR, CAP_FOWNER};
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Content;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::LastKind;
use crate::model::vfs::permission::{EXECUTE, WRITE};

impl Machine {
    /// `unlinkat`; with `AT_REMOVEDIR`, `rmdir`. Mounts that other namespaces have on the name are detached.
    ///
    /// # Errors
    /// Those of the walk; `EROFS` before `ENOENT`; `EACCES`, `EPERM`, `ENOTDIR` or `EISDIR`, then `EBUSY`: a mount point in the
    /// caller's namespace, then `ENOTEMPTY`.
    pub fn unlinkat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<(), Errno> {
        if flags & !AT_REMOVEDIR != 0 {
            return Err(Errno::EINVAL);
        }
        let directory = flags & AT_REMOVEDIR != 0;
        let walk = self.walk_to_parent(pid, at.into(), path)?;
        match walk.kind {
            LastKind::Name => {}
            _ if !directory => return Err(Errno::EISDIR),
            LastKind::DotDot => return Err(Errno::ENOTEMPTY),
            LastKind::Dot => return Err(Errno::EINVAL),
            LastKind::Root => return Err(Errno::EBUSY),
        }
        self.want_write(walk.directory)?;
        let victim = self.find_name(walk.directory.dentry, &walk.last, pid)?.ok_or(Errno::ENOENT)?;
        if walk.slash && !directory {
            let inode = &self.inodes[self.dentries[victim].inode];
            return Err(if inode.is_directory() { Errno::EISDIR } else { Errno::ENOTDIR });
        }
        self.may_delete(pid, walk.directory, victim, directory)?;
        if matches!(self.inodes[self.dentries[walk.directory.dentry].inode].content, Content::Proc(_)) {
            return Err(Errno::EPERM);
        }
        let superblock = self.inodes[self.dentries[victim].inode].superblock;
        self.superblocks[superblock].names.allow_removal(directory)?;
        if self.is_local_mount_point(pid, victim)? {
            return Err(Errno::EBUSY);
        }
        if directory && !self.inodes[self.dentries[victim].inode].is_empty_directory() {
            return Err(Errno::ENOTEMPTY);
        }
        self.remove_name(victim);
        Ok(())
    }
}

impl Machine {
    /// Checks that the process may remove the name from the directory, as a directory or as another file.
    ///
    /// # Errors
    /// `EACCES`, `EPERM` (sticky directory), then `ENOTDIR` or `EISDIR`: not what was asked for.
    pub(crate) fn may_delete(
        &self,
        pid: Pid,
        directory: Place,
        victim: DentryKey,
        as_directory: bool,
    ) -> Result<(), Errno> {
        const STICKY: u16 = 0o1000;
        let key = self.dentries[directory.dentry].inode;
        self.check_mapped(Place { mount: directory.mount, dentry: victim })?;
        self.check_permission(pid, directory.mount, key, WRITE | EXECUTE)?;
        let (parent, inode) = (&self.inodes[key], &self.inodes[self.dentries[victim].inode]);
        let uid = Some(self.task(pid)?.credentials.uid);
        let owner_of = |inode| self.owner(directory.mount, inode).uid;
        let home = self.superblocks[inode.superblock].user_ns;
        let known = |ids, id| self.user_namespaces.number_in(home, ids, id).is_some();
        let stuck = parent.mode & STICKY != 0
            && uid != owner_of(inode)
            && uid != owner_of(parent)
            && !self.capable_over(pid, directory.mount, inode, CAP_FOWNER);
        if stuck || !known(Ids::Users, inode.uid) || !known(Ids::Groups, inode.gid) {
            return Err(Errno::EPERM);
        }
        match (as_directory, inode.is_directory()) {
            (true, false) => Err(Errno::ENOTDIR),
            (false, true) => Err(Errno::EISDIR),
            _ if parent.dead => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    /// Returns true if a mount of the process's own namespace is on the name.
    pub(crate) fn is_local_mount_point(&self, pid: Pid, dentry: DentryKey) -> Result<bool, Errno> {
        let namespace = self.task(pid)?.namespace;
        Ok(self.dentries[dentry].mounted.iter().any(|&mount| self.mounts[mount].namespace == Some(namespace)))
    }

    /// Removes a name; mounts on it in other namespaces are unmounted lazily.
    pub(crate) fn remove_name(&mut self, victim: DentryKey) {
        self.hold_dentry(victim);
        self.unlink_name(victim);
        self.dentries[victim].cannot_mount = true;
        self.detach_mounts(victim);
        self.drop_dentry(victim);
    }
}
