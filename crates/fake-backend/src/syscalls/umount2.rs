//! `umount2`.

use mountwright_core::Errno;

use crate::abi::{CAP_SYS_ADMIN, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, UMOUNT_NOFOLLOW};
use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::mounts::umount::Unmount;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

impl Machine {
    /// `umount2`.
    ///
    /// # Errors
    /// `EINVAL`: unknown flags before the walk, `EPERM` after it, then `EINVAL`: not the root of a mount of this namespace, or
    /// locked. `EBUSY`: in use, children, or a copy of it in use. `EAGAIN`: marked by `MNT_EXPIRE`.
    pub fn umount2(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32) -> Result<(), Errno> {
        if flags & !(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) != 0 {
            return Err(Errno::EINVAL);
        }
        let walk = WalkFlags { follow: flags & UMOUNT_NOFOLLOW == 0, unmount: true, ..WalkFlags::default() };
        let walked = self.walk(pid, at.into(), path, walk);
        // A walk that ends at a magic link itself has found a place, but no mount.
        if matches!(walked, Ok(_) | Err(Errno::EINVAL)) {
            self.may_mount(pid)?;
        }
        let place = walked?;
        let task = self.task(pid)?;
        let mount = &self.mounts[place.mount];
        if !self.is_mount_root(place) || !self.is_in(place.mount, task.namespace) || mount.flags.has(MountFlags::LOCKED)
        {
            return Err(Errno::EINVAL);
        }
        let superblock = mount.superblock;
        let rules_superblock = self.capable(pid, self.superblocks[superblock].user_ns, CAP_SYS_ADMIN);
        if flags & MNT_FORCE != 0 && !rules_superblock {
            return Err(Errno::EPERM);
        }
        let is_root = task.root.mount == place.mount;
        if flags & MNT_EXPIRE != 0 {
            if is_root || flags & (MNT_FORCE | MNT_DETACH) != 0 {
                return Err(Errno::EINVAL);
            }
            self.expire(place.mount)?;
        }
        if is_root && flags & MNT_DETACH == 0 {
            // The caller's root cannot be unmounted: it is made read-only instead.
            return if rules_superblock { self.set_superblock_read_only(superblock, true) } else { Err(Errno::EPERM) };
        }
        if self.mounts[place.mount].parent.is_none() {
            return Err(Errno::EINVAL);
        }
        let lazy = flags & MNT_DETACH != 0;
        if !lazy && self.is_busy(place.mount) {
            return Err(Errno::EBUSY);
        }
        self.unmount_tree(place.mount, Unmount { connected: false, sync: !lazy, propagate: true });
        Ok(())
    }
}

impl Machine {
    /// # Errors
    /// `EBUSY`: in use. `EAGAIN`: it was not marked; now it is.
    fn expire(&mut self, mount: MountKey) -> Result<(), Errno> {
        let object = &mut self.mounts[mount];
        if object.first_child.is_some() || object.holders > 0 {
            return Err(Errno::EBUSY);
        }
        if std::mem::replace(&mut object.expire_mark, true) { Ok(()) } else { Err(Errno::EAGAIN) }
    }
}
