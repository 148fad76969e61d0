//! Processes and their namespaces: `fork`, `exit`, `unshare`, `setns`.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{CAP_FULL_SET, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CLONE_FS, CLONE_NEWNS, CLONE_NEWUSER};
use crate::model::keys::NamespaceKey;
use crate::model::machine::Machine;
use crate::model::objects::credentials::{Credentials, IdRange};
use crate::model::objects::ids::Ids;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;

impl Machine {
    /// `fork`: a process with the same root, working directory, namespaces and credentials, and the same open files.
    ///
    /// # Errors
    /// `ESRCH`: no such process.
    pub fn fork(&mut self, pid: Pid) -> Result<Pid, Errno> {
        let child = Arc::clone(self.tasks.get(&pid).ok_or(Errno::ESRCH)?);
        self.last_pid += 1;
        let new = Pid(self.last_pid);
        self.hold(child.root);
        self.hold(child.current_dir);
        self.namespaces[child.namespace].processes += 1;
        for (_, &file) in child.descriptors.iter() {
            self.files[file].descriptors += 1;
        }
        self.tasks.insert(new, child);
        Ok(new)
    }

    /// Ends the process: its descriptors are closed; a namespace without a process is dismantled.
    ///
    /// # Errors
    /// `ESRCH`: no such process.
    pub fn exit(&mut self, pid: Pid) -> Result<(), Errno> {
        let task = self.tasks.remove(&pid).ok_or(Errno::ESRCH)?;
        for (_, &file) in task.descriptors.iter() {
            self.drop_file(file);
        }
        self.let_go(task.root);
        self.let_go(task.current_dir);
        self.drop_namespace(task.namespace);
        Ok(())
    }

    /// `unshare` with `CLONE_NEWNS`, `CLONE_NEWUSER` or both. A new user namespace has an empty map ([`Machine::set_id_map`])
    /// and gives its maker every capability in it; mounts copied into it are locked together and shared ones become slaves.
    ///
    /// # Errors
    /// `EINVAL`: other flags. `EPERM`: no privilege, or for a user namespace: in a chroot, or ids that the parent namespace does
    /// not know.
    pub fn unshare(&mut self, pid: Pid, flags: u32) -> Result<(), Errno> {
        if flags & !(CLONE_NEWNS | CLONE_NEWUSER | CLONE_FS) != 0 {
            return Err(Errno::EINVAL);
        }
        let task = self.task(pid)?;
        let (mut user_ns, namespace) = (task.user_ns, task.namespace);
        let owner = task.credentials.uid;
        if flags & CLONE_NEWUSER != 0 {
            let gid = task.credentials.gid;
            let known = |ids, id| self.user_namespaces.number_in(user_ns, ids, id).is_some();
            if self.is_chrooted(pid)? || !known(Ids::Users, owner) || !known(Ids::Groups, gid) {
                return Err(Errno::EPERM);
            }
            user_ns = self.user_namespaces.create(user_ns, owner);
        } else if flags & CLONE_NEWNS != 0 && !self.capable(pid, user_ns, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        if flags & CLONE_NEWNS != 0 {
            let (copy, pairs) = self.copy_namespace(namespace, user_ns)?;
            let copy_of = |place: Place| {
                let copy = pairs.iter().find(|(old, _)| *old == place.mount);
                copy.map_or(place, |&(_, mount)| Place { mount, dentry: place.dentry })
            };
            let task = self.task(pid)?;
            let (root, current_dir) = (copy_of(task.root), copy_of(task.current_dir));
            self.enter(pid, copy, root, current_dir)?;
        }
        if flags & CLONE_NEWUSER != 0 {
            let task = self.task_mut(pid)?;
            task.user_ns = user_ns;
            task.credentials.capabilities = CAP_FULL_SET;
        }
        Ok(())
    }

    /// `setns` to the namespaces of another process (`CLONE_NEWNS`, `CLONE_NEWUSER`).
    ///
    /// # Errors
    /// `EINVAL`: other flags, or the own user namespace. `EPERM`. `ESRCH`.
    pub fn setns(&mut self, pid: Pid, other: Pid, flags: u32) -> Result<(), Errno> {
        if flags == 0 || flags & !(CLONE_NEWNS | CLONE_NEWUSER) != 0 {
            return Err(Errno::EINVAL);
        }
        let to = self.task(other)?;
        let (to_namespace, to_user_ns) = (to.namespace, to.user_ns);
        let own = self.task(pid)?.user_ns;
        let joins_user = flags & CLONE_NEWUSER != 0;
        if joins_user && to_user_ns == own {
            return Err(Errno::EINVAL);
        }
        if joins_user && !self.capable(pid, to_user_ns, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        if flags & CLONE_NEWNS != 0 {
            let allowed = self.capable(pid, self.namespaces[to_namespace].user_ns, CAP_SYS_ADMIN)
                && (joins_user || self.capable(pid, own, CAP_SYS_CHROOT) && self.capable(pid, own, CAP_SYS_ADMIN));
            if !allowed {
                return Err(Errno::EPERM);
            }
            let root = self.top_of_namespace(to_namespace);
            self.enter(pid, to_namespace, root, root)?;
        }
        if joins_user {
            let task = self.task_mut(pid)?;
            task.user_ns = to_user_ns;
            task.credentials.capabilities = CAP_FULL_SET;
        }
        Ok(())
    }

    /// Writes both `uid_map` and `gid_map` of the process's user namespace, once.
    ///
    /// # Errors
    /// `EPERM`: written before, or an id that the parent does not know. `EINVAL`: no range, more than 340, an empty one, one
    /// beyond the last id, two that overlap. `ESRCH`.
    pub fn set_id_map(&mut self, pid: Pid, map: impl AsRef<[IdRange]>) -> Result<(), Errno> {
        let ns = self.task(pid)?.user_ns;
        self.user_namespaces.set_maps(ns, [map.as_ref(); 2])
    }

    /// Returns the credentials of the process.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn credentials(&self, pid: Pid) -> Result<Credentials, Errno> {
        Ok(self.task(pid)?.credentials.clone())
    }

    /// Changes the credentials of the process (`setresuid`, `setgroups`, `capset` in one, unchecked).
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn set_credentials(&mut self, pid: Pid, credentials: Credentials) -> Result<(), Errno> {
        self.task_mut(pid)?.credentials = credentials;
        Ok(())
    }
}

impl Machine {
    /// Enters a namespace, with this root and working directory, and leaves the one before.
    fn enter(&mut self, pid: Pid, namespace: NamespaceKey, root: Place, current_dir: Place) -> Result<(), Errno> {
        self.namespaces[namespace].processes += 1;
        self.hold(root);
        self.hold(current_dir);
        let task = self.task_mut(pid)?;
        let before = (task.namespace, task.root, task.current_dir);
        task.namespace = namespace;
        task.root = root;
        task.current_dir = current_dir;
        self.let_go(before.1);
        self.let_go(before.2);
        self.drop_namespace(before.0);
        Ok(())
    }

    /// Returns the visible root of a namespace: the top of the stack on its first mount.
    fn top_of_namespace(&self, namespace: NamespaceKey) -> Place {
        let mount = self.namespaces[namespace].root;
        self.onto_mounts(Place { mount, dentry: self.mounts[mount].root })
    }

    /// The process's root is not that of its namespace.
    fn is_chrooted(&self, pid: Pid) -> Result<bool, Errno> {
        let task = self.task(pid)?;
        Ok(task.root != self.top_of_namespace(task.namespace))
    }
}
