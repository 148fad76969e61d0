//! `open_tree` and `open_tree_attr`.

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_PATH, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
};
use crate::model::keys::{MountKey, NamespaceKey};
use crate::model::machine::Machine;
use crate::model::mounts::copy_tree::CopyKind;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;
use crate::syscalls::mount_setattr::MountAttr;

impl Machine {
    /// `open_tree`: a descriptor of a place (`O_PATH`) or, with `OPEN_TREE_CLONE`, of a detached copy of what is mounted there.
    ///
    /// # Errors
    /// `EINVAL`: flags. `EPERM`: a copy without privilege. Those of the walk; `EINVAL`: unbindable, of another namespace, or a
    /// copy would show what a locked mount hides.
    pub fn open_tree(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<i32, Errno> {
        self.check_has(Call::OpenTree)?;
        let known =
            AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        let (recursive, clone) = (flags & AT_RECURSIVE != 0, flags & OPEN_TREE_CLONE != 0);
        if flags & !known != 0 || recursive && !clone {
            return Err(Errno::EINVAL);
        }
        if clone {
            self.may_mount(pid)?;
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        if !clone {
            return self.install(pid, place, O_PATH, false);
        }
        let copy = self.copy_detached(pid, place, recursive)?;
        self.install(pid, Place { mount: copy, dentry: place.dentry }, O_PATH, true)
    }

    /// `open_tree_attr`: as `open_tree`, then as `mount_setattr` on it.
    ///
    /// # Errors
    /// As [`Machine::open_tree`], then [`Machine::mount_setattr`]; no descriptor is left open.
    pub fn open_tree_attr(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        flags: u32,
        attr: MountAttr,
    ) -> Result<i32, Errno> {
        self.check_has(Call::OpenTreeAttr)?;
        // The attributes are checked only after the tree was opened, and nothing is left if they are refused.
        let fd = self.open_tree(pid, at, path, flags)?;
        let changed =
            self.set_attributes_of(pid, At::Fd(fd), flags & AT_RECURSIVE != 0, attr, flags & OPEN_TREE_CLONE != 0);
        match changed {
            Ok(()) => Ok(fd),
            Err(errno) => {
                self.close(pid, fd)?;
                Err(errno)
            }
        }
    }
}

impl Machine {
    /// A copy of what is mounted at a place, for a bind or a detached tree.
    ///
    /// # Errors
    /// `EINVAL`: unbindable, of another namespace, or it would show what a locked mount hides.
    pub(crate) fn copy_for_bind(
        &mut self,
        namespace: NamespaceKey,
        from: Place,
        recursive: bool,
    ) -> Result<MountKey, Errno> {
        let usable = !self.mounts[from.mount].unbindable
            && self.may_use(from.mount, namespace)
            && (recursive || !self.has_locked_children(from.mount, from.dentry));
        if !usable {
            return Err(Errno::EINVAL);
        }
        if recursive {
            self.tree(from.mount).into_iter().try_for_each(|mount| self.check_known(mount))?;
            self.copy_tree(from.mount, from.dentry, CopyKind::default())
        } else {
            self.check_known(from.mount)?;
            Ok(self.copy_mount(from.mount, from.dentry, CopyKind::default()))
        }
    }

    /// The copy in a namespace of its own.
    fn copy_detached(&mut self, pid: Pid, from: Place, recursive: bool) -> Result<MountKey, Errno> {
        let own = self.task(pid)?.namespace;
        let copy = self.copy_for_bind(own, from, recursive)?;
        let origin = self.mounts[from.mount].namespace.map_or(0, |source| {
            let source = &self.namespaces[source];
            if source.detached { source.origin } else { source.id }
        });
        let home = self.new_namespace(self.namespaces[own].user_ns, copy);
        let object = &mut self.namespaces[home];
        object.detached = true;
        object.origin = origin;
        for mount in self.tree(copy) {
            self.enter_namespace(mount, home);
        }
        Ok(copy)
    }
}
