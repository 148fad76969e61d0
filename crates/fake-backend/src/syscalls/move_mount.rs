//! `move_mount`.

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    MOVE_MOUNT_BENEATH, MOVE_MOUNT_F_AUTOMOUNTS, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_SET_GROUP,
    MOVE_MOUNT_T_AUTOMOUNTS, MOVE_MOUNT_T_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS,
};
use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::mounts::mount_point::MountPoint;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

const KNOWN: u32 = MOVE_MOUNT_F_SYMLINKS
    | MOVE_MOUNT_F_AUTOMOUNTS
    | MOVE_MOUNT_F_EMPTY_PATH
    | MOVE_MOUNT_T_SYMLINKS
    | MOVE_MOUNT_T_AUTOMOUNTS
    | MOVE_MOUNT_T_EMPTY_PATH
    | MOVE_MOUNT_SET_GROUP
    | MOVE_MOUNT_BENEATH;

impl Machine {
    /// `move_mount`: attaches a detached tree or moves an attached one; `MOVE_MOUNT_BENEATH`, `MOVE_MOUNT_SET_GROUP`.
    ///
    /// # Errors
    /// `EPERM` before the walks. `EINVAL`: not the root of a mount, a file onto a directory or the reverse, a shared parent,
    /// locked, an unbindable mount below a shared one. `ELOOP`: into itself. `ENOENT`: the target, or the root of what is
    /// moved, was removed. `ENOSPC`: too many mounts. Nothing has changed then.
    pub fn move_mount(
        &mut self,
        pid: Pid,
        from_at: impl Into<At>,
        from: &[u8],
        to_at: impl Into<At>,
        to: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        self.check_has(Call::MoveMount)?;
        self.may_mount(pid)?;
        let both = MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP;
        if flags & !(KNOWN & !self.kernel_version.lacking_of_move_mount()) != 0 || flags & both == both {
            return Err(Errno::EINVAL);
        }
        let how = |follow, empty| WalkFlags {
            follow: flags & follow != 0,
            empty: flags & empty != 0,
            ..WalkFlags::default()
        };
        let target = self.walk(pid, to_at.into(), to, how(MOVE_MOUNT_T_SYMLINKS, MOVE_MOUNT_T_EMPTY_PATH))?;
        let source = self.walk(pid, from_at.into(), from, how(MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_F_EMPTY_PATH))?;
        if flags & MOVE_MOUNT_SET_GROUP != 0 {
            self.join_group(pid, source, target)
        } else {
            self.move_tree(pid, source, target, flags & MOVE_MOUNT_BENEATH != 0)
        }
    }
}

impl Machine {
    /// Moves a mount, or attaches a detached tree.
    ///
    /// # Errors
    /// `EINVAL`: not the root of a mount, a file onto a directory or the reverse, locked, a shared parent, not of this
    /// namespace, an unbindable mount below a shared one. `ELOOP`: into itself. `ENOENT`, `ENOSPC`: as
    /// [`Machine::attach_tree`].
    pub(crate) fn move_tree(&mut self, pid: Pid, from: Place, to: Place, beneath: bool) -> Result<(), Errno> {
        if !self.is_mount_root(from) || self.is_directory(from) != self.is_directory(to) {
            return Err(Errno::EINVAL);
        }
        let point = if beneath { self.mount_point_beneath(to)? } else { self.mount_point(to)? };
        let namespace = self.task(pid)?.namespace;
        let source = from.mount;
        if self.is_in(source, namespace) {
            let mount = &self.mounts[source];
            let movable = mount.parent.is_some_and(|parent| !self.mounts[parent].shared);
            if !movable || mount.flags.has(MountFlags::LOCKED) || !self.is_in(point.parent, namespace) {
                return Err(Errno::EINVAL);
            }
        } else {
            let home = self.mounts[source].namespace;
            let own_tree = home == self.mounts[point.parent].namespace;
            if !self.is_detached_root(source) || own_tree || !self.may_use(point.parent, namespace) {
                return Err(Errno::EINVAL);
            }
        }
        if beneath {
            self.check_beneath(pid, source, to, point)?;
        }
        let tree = self.tree(source);
        if self.mounts[point.parent].shared && tree.iter().any(|&mount| self.mounts[mount].unbindable) {
            return Err(Errno::EINVAL);
        }
        if self.is_mounted_on(point.parent, source) {
            return Err(Errno::ELOOP);
        }
        self.attach_tree(source, point, namespace)
    }

    fn check_beneath(&self, pid: Pid, source: MountKey, to: Place, point: MountPoint) -> Result<(), Errno> {
        let task = self.task(pid)?;
        let over = if self.mounts[to.mount].parent == Some(point.parent) {
            to.mount
        } else {
            self.mounts[point.parent].cover.ok_or(Errno::EINVAL)?
        };
        let refused = self.mounts[over].flags.has(MountFlags::LOCKED)
            || self.mounts[source].cover.is_some()
            || over == task.root.mount
            || point.parent == self.namespaces[task.namespace].root
            || self.is_mounted_on(source, over)
            || self.would_cover(point.parent, over, point.dentry)
            || self.is_in(source, task.namespace) && self.would_cover(point.parent, source, point.dentry);
        if refused { Err(Errno::EINVAL) } else { Ok(()) }
    }

    /// Returns true if propagation would copy a mount at `dentry` of `parent` onto the root of `child`.
    fn would_cover(&self, parent: MountKey, child: MountKey, dentry: DentryKey) -> bool {
        if !self.mounts[parent].shared || self.mounts[child].root != dentry {
            return false;
        }
        let mut above = Some(child);
        while let Some(mount) = above {
            if self.are_peers(parent, mount) {
                return true;
            }
            above = self.mounts[mount].master;
        }
        false
    }

    /// `MOVE_MOUNT_SET_GROUP`: a private mount joins the group, and the master, of another mount of its filesystem.
    fn join_group(&mut self, pid: Pid, from: Place, to: Place) -> Result<(), Errno> {
        self.may_change_propagation(pid, from.mount)?;
        self.may_change_propagation(pid, to.mount)?;
        let (source, target) = (&self.mounts[from.mount], &self.mounts[to.mount]);
        let fits = self.is_mount_root(from)
            && self.is_mount_root(to)
            && source.superblock == target.superblock
            && self.is_below(target.root, source.root)
            && !self.has_locked_children(from.mount, target.root)
            && !target.shared
            && target.master.is_none()
            && (source.shared || source.master.is_some());
        if !fits {
            return Err(Errno::EINVAL);
        }
        let (slave, shared, group) = (source.master.is_some(), source.shared, source.group);
        if slave {
            self.become_slave_behind(to.mount, from.mount);
        }
        if shared {
            self.mounts[to.mount].group = group;
            self.join_peers(to.mount, from.mount);
            self.mark_shared(to.mount);
        }
        Ok(())
    }
}
