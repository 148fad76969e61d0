//! `renameat2`.

use mountwright_core::Errno;

use crate::abi::{RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT};
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::superblock::NamesRule;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::LastKind;
use crate::model::vfs::permission::WRITE;

impl Machine {
    /// `renameat2`. Mounts of other namespaces on the names move along with them; on a name that is replaced, they are
    /// detached.
    ///
    /// # Errors
    /// `EXDEV`: two mounts, even of one filesystem, before `EROFS`. `EINVAL`: into itself. `EBUSY`: a mount point in the caller's
    /// namespace. `ENOTEMPTY`, `ENOTDIR`, `EISDIR`, `EEXIST`.
    pub fn renameat2(
        &mut self,
        pid: Pid,
        from_at: impl Into<At>,
        from: &[u8],
        to_at: impl Into<At>,
        to: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        let (exchange, no_replace) = (flags & RENAME_EXCHANGE != 0, flags & RENAME_NOREPLACE != 0);
        let whiteout = flags & RENAME_WHITEOUT != 0;
        if flags & !(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) != 0 || exchange && (no_replace || whiteout)
        {
            return Err(Errno::EINVAL);
        }
        let old = self.walk_to_parent(pid, from_at.into(), from)?;
        let new = self.walk_to_parent(pid, to_at.into(), to)?;
        if old.directory.mount != new.directory.mount {
            return Err(Errno::EXDEV);
        }
        if old.kind != LastKind::Name {
            return Err(Errno::EBUSY);
        }
        if new.kind != LastKind::Name {
            return Err(if no_replace { Errno::EEXIST } else { Errno::EBUSY });
        }
        self.want_write(old.directory)?;
        let source = self.find_name(old.directory.dentry, &old.last, pid)?.ok_or(Errno::ENOENT)?;
        let target = self.find_name(new.directory.dentry, &new.last, pid)?;
        if no_replace && target.is_some() {
            return Err(Errno::EEXIST);
        }
        if target.is_none() && (exchange || self.is_proc(new.directory)) {
            return Err(Errno::ENOENT);
        }
        let is_directory = |dentry: DentryKey| self.inodes[self.dentries[dentry].inode].is_directory();
        if exchange && new.slash && !target.is_some_and(is_directory) {
            return Err(Errno::ENOTDIR);
        }
        if !is_directory(source) && (old.slash || !exchange && new.slash) {
            return Err(Errno::ENOTDIR);
        }
        let (old_dir, new_dir) = (old.directory.dentry, new.directory.dentry);
        if old_dir != new_dir {
            if self.step_below(old_dir, new_dir) == Some(source) {
                return Err(Errno::EINVAL);
            }
            if target.is_some() && self.step_below(new_dir, old_dir) == target {
                return Err(if exchange { Errno::EINVAL } else { Errno::ENOTEMPTY });
            }
        }
        let plan = Rename { from: old.directory, source, to: new.directory, target, exchange };
        self.check_rename(pid, &plan)?;
        if target.is_some_and(|target| self.dentries[target].inode == self.dentries[source].inode) {
            return Ok(());
        }
        self.check_rename_busy(pid, &plan)?;
        if let (Some(target), false) = (target, exchange) {
            let victim = &self.inodes[self.dentries[target].inode];
            if victim.is_directory() && !victim.is_empty_directory() {
                return Err(Errno::ENOTEMPTY);
            }
            self.remove_name(target);
        }
        let (old_name, new_name) = (Name::new(&old.last), Name::new(&new.last));
        match target {
            Some(target) if exchange => {
                self.take_out(source);
                self.take_out(target);
                self.put_in(source, new_dir, new_name);
                self.put_in(target, old_dir, old_name);
            }
            _ => {
                self.take_out(source);
                self.put_in(source, new_dir, new_name);
                if whiteout {
                    let node = Content::Character(Device { major: 0, minor: 0 });
                    self.make_file(pid, old.directory, &old.last, node, 0)?;
                }
            }
        }
        Ok(())
    }
}

/// A rename whose names were found.
struct Rename {
    from: Place,
    source: DentryKey,
    to: Place,
    target: Option<DentryKey>,
    exchange: bool,
}

impl Machine {
    /// Permissions and kinds.
    fn check_rename(&self, pid: Pid, plan: &Rename) -> Result<(), Errno> {
        let inode_of = |dentry: DentryKey| &self.inodes[self.dentries[dentry].inode];
        if plan.target.is_some_and(|target| self.dentries[target].inode == self.dentries[plan.source].inode) {
            return Ok(());
        }
        let source_is_directory = inode_of(plan.source).is_directory();
        self.may_delete(pid, plan.from, plan.source, source_is_directory)?;
        match plan.target {
            None => self.may_create(pid, plan.to)?,
            Some(target) => {
                let target_is_directory = inode_of(target).is_directory();
                let wanted = if plan.exchange { target_is_directory } else { source_is_directory };
                self.may_delete(pid, plan.to, target, wanted)?;
            }
        }
        let parent = inode_of(plan.from.dentry);
        if matches!(parent.content, Content::Proc(_)) || self.superblocks[parent.superblock].names != NamesRule::Free {
            return Err(Errno::EPERM);
        }
        if plan.from.dentry != plan.to.dentry {
            // Its `..` changes.
            if source_is_directory {
                self.check_permission(pid, plan.from.mount, self.dentries[plan.source].inode, WRITE)?;
            }
            if let Some(target) = plan.target.filter(|&target| plan.exchange && inode_of(target).is_directory()) {
                self.check_permission(pid, plan.to.mount, self.dentries[target].inode, WRITE)?;
            }
        }
        Ok(())
    }

    fn check_rename_busy(&self, pid: Pid, plan: &Rename) -> Result<(), Errno> {
        for dentry in [Some(plan.source), plan.target].into_iter().flatten() {
            if self.is_local_mount_point(pid, dentry)? {
                return Err(Errno::EBUSY);
            }
        }
        Ok(())
    }

    /// Removes a name from its directory, before it is put into another (or the same).
    fn take_out(&mut self, dentry: DentryKey) {
        let object = &self.dentries[dentry];
        let (directory, name, inode) = (object.parent, object.name.clone(), object.inode);
        let moves_directory = self.inodes[inode].is_directory();
        let parent = self.directory_changed(directory);
        let parent = &mut self.inodes[parent];
        if let Some(names) = parent.names_mut() {
            names.remove(name.bytes());
        }
        if moves_directory {
            parent.links -= 1;
        }
        let tick = self.next_tick();
        self.inodes[inode].times.changed = tick;
    }

    fn put_in(&mut self, dentry: DentryKey, directory: DentryKey, name: Name) {
        self.hold_dentry(directory);
        let object = &mut self.dentries[dentry];
        let before = std::mem::replace(&mut object.parent, directory);
        object.name = name.clone();
        let inode = object.inode;
        self.drop_dentry(before);
        let moves_directory = self.inodes[inode].is_directory();
        let parent = self.directory_changed(directory);
        let parent = &mut self.inodes[parent];
        if let Some(names) = parent.names_mut() {
            names.insert(name, dentry);
        }
        if moves_directory {
            parent.links += 1;
        }
    }
}
