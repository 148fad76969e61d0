//! `mount` and `pivot_root`.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{
    MS_BIND, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_MGC_MSK, MS_MGC_VAL, MS_MOVE, MS_NOATIME, MS_NODIRATIME,
    MS_NOUSER, MS_PRIVATE, MS_RDONLY, MS_REC, MS_RELATIME, MS_REMOUNT, MS_SHARED, MS_SILENT, MS_SLAVE, MS_STRICTATIME,
    MS_SYNCHRONOUS, MS_UNBINDABLE, PATH_MAX,
};
use crate::model::machine::Machine;
use crate::model::mounts::propagation_type::PropagationType;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;
use crate::syscalls::new_filesystem::NewFilesystem;

const PROPAGATION: u64 = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

impl Machine {
    /// `mount`: a new filesystem, a bind, a move, a remount or a propagation change, as `flags` (`MS_*`) say. Source and
    /// target may go through a descriptor's magic link ([`At::Link`]); `source` of a new filesystem is only a string.
    ///
    /// # Errors
    /// In this order: `EINVAL`: a text too long; the walk to the target; `EPERM`; an empty source (`EINVAL`); the walk to the
    /// source; then what the operation refuses: `EINVAL` (unbindable, locked, of another namespace, not a mount),
    /// `ENOTDIR` (a file onto a directory or the reverse; `EINVAL` for a move), `ELOOP` (into itself), `EBUSY` (written, or
    /// mounted there already), `EPERM` (locked flags), `ENODEV`, `ENOSPC` (too many mounts). Nothing has changed then.
    pub fn mount(
        &mut self,
        pid: Pid,
        source: Option<(At, &[u8])>,
        target: (At, &[u8]),
        fs_type: Option<&[u8]>,
        flags: u64,
        data: Option<&[u8]>,
    ) -> Result<(), Errno> {
        let too_long = |text: Option<&[u8]>| text.is_some_and(|text| text.len() >= PATH_MAX);
        if too_long(source.map(|(_, text)| text)) || too_long(fs_type) {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, target.0, target.1, WalkFlags::FOLLOW)?;
        let flags = if flags & MS_MGC_MSK == MS_MGC_VAL { flags & !MS_MGC_MSK } else { flags };
        if flags & MS_NOUSER != 0 {
            return Err(Errno::EINVAL);
        }
        self.may_mount(pid)?;
        let mut mount_flags = MountFlags::from_mount_call(flags);
        if flags & MS_REMOUNT != 0 && flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME) == 0 {
            let present = self.mounts[place.mount].flags & MountFlags::ATIME;
            mount_flags = mount_flags & !MountFlags::ATIME | present;
        }
        if flags & MS_REMOUNT != 0 {
            return if flags & MS_BIND != 0 {
                self.remount_mount(pid, place, mount_flags)
            } else {
                self.remount_superblock(pid, place, flags, mount_flags, data.unwrap_or_default())
            };
        }
        if flags & MS_BIND != 0 {
            return self.bind(pid, source, place, flags & MS_REC != 0);
        }
        if flags & PROPAGATION != 0 {
            return self.change_propagation(pid, place, flags);
        }
        if flags & MS_MOVE != 0 {
            let from = self.walk_to_source(pid, source)?;
            return self.move_tree(pid, from, place, false);
        }
        let new = NewFilesystem {
            fs_type: fs_type.ok_or(Errno::EINVAL)?,
            source: source.map(|(at, text)| source_text(at, text)),
            read_only: flags & MS_RDONLY != 0,
            superblock_flags: flags & (MS_SYNCHRONOUS | MS_DIRSYNC | MS_MANDLOCK | MS_LAZYTIME),
            data: data.unwrap_or_default(),
            mount_flags,
        };
        self.mount_new(pid, &new, place)
    }

    /// `pivot_root`: the mount at `new_root` becomes the root of the namespace, the old root is moved to `put_old`.
    ///
    /// # Errors
    /// `EPERM`; those of the walks; `EINVAL`: a shared mount, not a mount, not below. `EBUSY`: the root itself.
    pub fn pivot_root(&mut self, pid: Pid, new_root: (At, &[u8]), put_old: (At, &[u8])) -> Result<(), Errno> {
        self.may_mount(pid)?;
        let directory = WalkFlags { directory: true, ..WalkFlags::FOLLOW };
        let new = self.walk(pid, new_root.0, new_root.1, directory)?;
        let old = self.walk(pid, put_old.0, put_old.1, directory)?;
        let task = self.task(pid)?;
        let (root, namespace) = (task.root, task.namespace);
        let put = self.mount_point(old)?;
        let parent_of = |mount| self.mounts[mount].parent;
        let shared = |mount: Option<_>| mount.is_some_and(|mount| self.mounts[mount].shared);
        if shared(Some(put.parent)) || shared(parent_of(new.mount)) || shared(parent_of(root.mount)) {
            return Err(Errno::EINVAL);
        }
        if !self.is_in(root.mount, namespace)
            || !self.is_in(new.mount, namespace)
            || self.mounts[new.mount].flags.has(MountFlags::LOCKED)
        {
            return Err(Errno::EINVAL);
        }
        if self.is_unlinked(new.dentry) {
            return Err(Errno::ENOENT);
        }
        if new.mount == root.mount || put.parent == root.mount {
            return Err(Errno::EBUSY);
        }
        let (Some(root_parent), Some(_)) = (parent_of(root.mount), parent_of(new.mount)) else {
            return Err(Errno::EINVAL);
        };
        let put_place = Place { mount: put.parent, dentry: put.dentry };
        if !self.is_mount_root(root)
            || !self.is_mount_root(new)
            || !self.is_reachable(put_place, new)
            || !self.is_reachable(new, root)
        {
            return Err(Errno::EINVAL);
        }
        self.swap_roots(root, new, root_parent, put_place);
        Ok(())
    }
}

/// The source of a new filesystem, which is only a text.
fn source_text(at: At, text: &[u8]) -> Arc<[u8]> {
    match at {
        At::Link(fd) if text.is_empty() => Arc::from(format!("/proc/thread-self/fd/{fd}").as_bytes()),
        At::Link(fd) => Arc::from([format!("/proc/thread-self/fd/{fd}/").as_bytes(), text].concat()),
        _ => Arc::from(text),
    }
}

impl Machine {
    /// Returns the place whose tree is bound or moved.
    fn walk_to_source(&mut self, pid: Pid, source: Option<(At, &[u8])>) -> Result<Place, Errno> {
        match source {
            Some((At::Cwd, [])) | None => Err(Errno::EINVAL),
            Some((at, path)) => self.walk(pid, at, path, WalkFlags::FOLLOW),
        }
    }

    fn bind(&mut self, pid: Pid, source: Option<(At, &[u8])>, target: Place, recursive: bool) -> Result<(), Errno> {
        let from = self.walk_to_source(pid, source)?;
        let point = self.mount_point(target)?;
        let namespace = self.task(pid)?.namespace;
        if !self.is_in(point.parent, namespace) {
            return Err(Errno::EINVAL);
        }
        let copy = self.copy_for_bind(namespace, from, recursive)?;
        let attached = if self.is_directory(from) == self.inodes[self.dentries[point.dentry].inode].is_directory() {
            self.attach_tree(copy, point, namespace)
        } else {
            Err(Errno::ENOTDIR)
        };
        attached.inspect_err(|_| self.discard_tree(copy))
    }

    /// Replaces all flags of one mount.
    fn remount_mount(&mut self, pid: Pid, place: Place, flags: MountFlags) -> Result<(), Errno> {
        self.check_remount(pid, place, flags)?;
        let mount = place.mount;
        if flags.has(MountFlags::READ_ONLY) && !self.is_read_only(mount) && self.mounts[mount].writers > 0 {
            return Err(Errno::EBUSY);
        }
        let object = &mut self.mounts[mount];
        object.flags = object.flags & !MountFlags::SETTABLE | flags;
        Ok(())
    }

    /// Changes the superblock, and the flags of the mount it was named by.
    fn remount_superblock(
        &mut self,
        pid: Pid,
        place: Place,
        flags: u64,
        mount_flags: MountFlags,
        data: &[u8],
    ) -> Result<(), Errno> {
        self.check_remount(pid, place, mount_flags)?;
        let superblock = self.mounts[place.mount].superblock;
        if !self.capable(pid, self.superblocks[superblock].user_ns, crate::abi::CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        let kind = self.type_of(superblock);
        let tmpfs = if kind.changes(b"size") {
            let names = data.split(|&byte| byte == b',').map(|word| word.split(|&byte| byte == b'=').next());
            if names.flatten().any(|name| !name.is_empty() && !kind.changes(name)) && !data.is_empty() {
                return self.parsed_terminals(pid, superblock, data).and(Err(Errno::EOPNOTSUPP));
            }
            let mut options = self.present_options(superblock).with_flags_of_remount(flags);
            options.set_all(kind, data, |ids, id| self.initial_id(pid, ids, id))?;
            Some(options)
        } else {
            None
        };
        let terminals = if tmpfs.is_some() { None } else { self.parsed_terminals(pid, superblock, data)? };
        self.set_superblock_read_only(superblock, flags & MS_RDONLY != 0)?;
        if let Some(options) = terminals {
            self.set_terminals(superblock, &options);
        }
        if let Some(options) = tmpfs {
            self.set_present_options(superblock, &options);
        }
        let object = &mut self.mounts[place.mount];
        object.flags = object.flags & !MountFlags::SETTABLE | mount_flags;
        Ok(())
    }

    fn check_remount(&self, pid: Pid, place: Place, flags: MountFlags) -> Result<(), Errno> {
        if !self.is_in(place.mount, self.task(pid)?.namespace) || !self.is_mount_root(place) {
            return Err(Errno::EINVAL);
        }
        self.check_known(place.mount)?;
        if self.mounts[place.mount].flags.allows(flags) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// # Errors
    /// `EBUSY`: a file is open for writing, or one without a name is in use.
    pub(crate) fn set_superblock_read_only(
        &mut self,
        superblock: crate::model::keys::SuperKey,
        read_only: bool,
    ) -> Result<(), Errno> {
        let object = &self.superblocks[superblock];
        if read_only && !object.read_only {
            let written = |(_, mount): (_, &crate::model::objects::mount::Mount)| {
                mount.superblock == superblock && mount.writers > 0
            };
            if object.removed_in_use > 0 || self.mounts.iter().any(written) {
                return Err(Errno::EBUSY);
            }
        }
        self.superblocks[superblock].read_only = read_only;
        Ok(())
    }

    fn change_propagation(&mut self, pid: Pid, place: Place, flags: u64) -> Result<(), Errno> {
        if !self.is_mount_root(place) {
            return Err(Errno::EINVAL);
        }
        let kind = PropagationType::from_flags(flags & !(MS_REC | MS_SILENT)).ok_or(Errno::EINVAL)?;
        self.may_change_propagation(pid, place.mount)?;
        let mounts = if flags & MS_REC != 0 { self.tree(place.mount) } else { vec![place.mount] };
        mounts.iter().try_for_each(|&mount| self.check_known(mount))?;
        if kind == PropagationType::Shared {
            self.invent_groups(&mounts);
        }
        for mount in mounts {
            self.set_propagation_type(mount, kind);
        }
        Ok(())
    }

    /// # Errors
    /// `EINVAL`: in no namespace. `EPERM`: no privilege over the mount's namespace.
    pub(crate) fn may_change_propagation(&self, pid: Pid, mount: crate::model::keys::MountKey) -> Result<(), Errno> {
        let namespace = self.mounts[mount].namespace.ok_or(Errno::EINVAL)?;
        let over = self.namespaces[namespace].user_ns;
        if self.capable(pid, over, crate::abi::CAP_SYS_ADMIN) { Ok(()) } else { Err(Errno::EPERM) }
    }

    fn swap_roots(&mut self, old: Place, new: Place, root_parent: crate::model::keys::MountKey, put_old: Place) {
        self.detach(new.mount);
        let (old_flags, new_flags) = (self.mounts[old.mount].flags, self.mounts[new.mount].flags);
        if old_flags.has(MountFlags::LOCKED) {
            self.mounts[new.mount].flags = new_flags | MountFlags::LOCKED;
            self.mounts[old.mount].flags = old_flags & !MountFlags::LOCKED;
        }
        let root_point = self.mounts[old.mount].mount_point;
        self.attach(new.mount, root_parent, root_point);
        self.change_mount_point(old.mount, put_old.mount, put_old.dentry);
        // Every process whose root or working directory was the old root gets the new one.
        let pids: Vec<Pid> = self.tasks.keys().copied().collect();
        for pid in pids {
            let Ok(task) = self.task(pid) else { continue };
            let (root_moves, cwd_moves) = (task.root == old, task.current_dir == old);
            for _ in 0..u32::from(root_moves) + u32::from(cwd_moves) {
                self.hold(new);
            }
            if let Ok(task) = self.task_mut(pid) {
                if root_moves {
                    task.root = new;
                }
                if cwd_moves {
                    task.current_dir = new;
                }
            }
            for _ in 0..u32::from(root_moves) + u32::from(cwd_moves) {
                self.let_go(old);
            }
        }
    }
}
