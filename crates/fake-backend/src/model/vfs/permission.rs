//! Permission checks.

use mountwright_core::Errno;

use crate::abi::{CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SYS_ADMIN, CAP_SYS_PTRACE};
use crate::model::keys::{InodeKey, MountKey};
use crate::model::machine::Machine;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Inode;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::user_namespace::UserNs;

pub(crate) const EXECUTE: u32 = 1;
pub(crate) const WRITE: u32 = 2;
pub(crate) const READ: u32 = 4;

impl Machine {
    /// The process has the capability over a user namespace.
    pub(crate) fn capable(&self, pid: Pid, over: UserNs, capability: u64) -> bool {
        self.task(pid).is_ok_and(|task| self.user_namespaces.capable(&task.credentials, task.user_ns, over, capability))
    }

    /// The process may look at another one through procfs.
    ///
    /// # Errors
    /// `EACCES`: another user's, without `CAP_SYS_PTRACE` over it. `ENOENT`: it has ended.
    pub(crate) fn may_inspect(&self, pid: Pid, other: Pid) -> Result<(), Errno> {
        let (own, task) = (self.task(pid)?, self.task(other).map_err(|_| Errno::ENOENT)?);
        let (who, whose) = (&own.credentials, &task.credentials);
        let same = who.uid == whose.uid && who.gid == whose.gid && whose.capabilities & !who.capabilities == 0;
        let allowed =
            pid == other || own.user_ns == task.user_ns && same || self.capable(pid, task.user_ns, CAP_SYS_PTRACE);
        if allowed { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// The process may change the mounts of its namespace.
    pub(crate) fn may_mount(&self, pid: Pid) -> Result<(), Errno> {
        let over = self.namespaces[self.task(pid)?.namespace].user_ns;
        if self.capable(pid, over, CAP_SYS_ADMIN) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// The process has the capability over this file: its namespace knows the file's owner and group, as the mount shows them.
    pub(crate) fn capable_over(&self, pid: Pid, mount: MountKey, inode: &Inode, capability: u64) -> bool {
        let Ok(task) = self.task(pid) else { return false };
        let (ns, owner) = (task.user_ns, self.owner(mount, inode));
        let known = |ids, id: Option<u32>| id.is_some_and(|id| self.user_namespaces.number_in(ns, ids, id).is_some());
        task.credentials.capabilities & capability != 0 && known(Ids::Users, owner.uid) && known(Ids::Groups, owner.gid)
    }

    /// Returns true if the process owns the file or has the capability to act as its owner: then its namespace knows the
    /// owner, whatever the group.
    pub(crate) fn owns(&self, pid: Pid, mount: MountKey, inode: &Inode) -> bool {
        let (Ok(task), Some(uid)) = (self.task(pid), self.owner(mount, inode).uid) else { return false };
        task.credentials.uid == uid
            || task.credentials.capabilities & CAP_FOWNER != 0
                && self.user_namespaces.number_in(task.user_ns, Ids::Users, uid).is_some()
    }

    pub(crate) fn check_permission_at(&self, pid: Pid, place: Place, wanted: u32) -> Result<(), Errno> {
        self.check_permission(pid, place.mount, self.dentries[place.dentry].inode, wanted)
    }

    /// # Errors
    /// `EROFS`: to write on a read-only superblock. `EACCES`: the permission bits, without a capability to bypass them; or to
    /// write where the map of the mount lacks the owner or the group.
    pub(crate) fn check_permission(&self, pid: Pid, mount: MountKey, key: InodeKey, wanted: u32) -> Result<(), Errno> {
        let inode = &self.inodes[key];
        if wanted & WRITE != 0 && !inode.is_special() && self.superblocks[inode.superblock].read_only {
            return Err(Errno::EROFS);
        }
        let owner = self.owner(mount, inode);
        if wanted & WRITE != 0 && !owner.is_mapped() {
            return Err(Errno::EACCES);
        }
        let who = &self.task(pid)?.credentials;
        let bits = u32::from(inode.mode);
        let granted = if owner.uid == Some(who.uid) {
            bits >> 6
        } else if owner.gid.is_some_and(|gid| who.gid == gid || who.groups.contains(&gid)) {
            bits >> 3
        } else {
            bits
        };
        if granted & wanted & 7 == wanted & 7 {
            return Ok(());
        }
        let bypass = |capability| self.capable_over(pid, mount, inode, capability);
        let allowed = if inode.is_directory() {
            wanted & WRITE == 0 && bypass(CAP_DAC_READ_SEARCH) || bypass(CAP_DAC_OVERRIDE)
        } else {
            wanted & 7 == READ && bypass(CAP_DAC_READ_SEARCH)
                || (wanted & EXECUTE == 0 || bits & 0o111 != 0) && bypass(CAP_DAC_OVERRIDE)
        };
        if allowed { Ok(()) } else { Err(Errno::EACCES) }
    }

    /// The mount and its superblock may be written.
    ///
    /// # Errors
    /// `EROFS`.
    pub(crate) fn want_write(&self, place: Place) -> Result<(), Errno> {
        if self.is_read_only(place.mount) { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// A device node there opens its device.
    pub(crate) fn opens_devices(&self, place: Place) -> bool {
        let mount = &self.mounts[place.mount];
        !mount.flags.has(MountFlags::NO_DEV) && !self.superblocks[mount.superblock].no_devices
    }
}
