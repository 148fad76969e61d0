//! `fchmodat2`, `fchownat`, `faccessat2`, `truncate`.

use mountwright_core::Errno;

use crate::abi::{AT_EACCESS, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, CAP_CHOWN, CAP_FSETID, W_OK, X_OK};
use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Inode;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// Leaves an owner or group as it is.
const UNCHANGED: u32 = u32::MAX;
const SET_USER_ID: u16 = 0o4000;
const SET_GROUP_ID: u16 = 0o2000;
const GROUP_EXECUTE: u16 = 0o010;

impl Machine {
    /// `fchmodat2`: permission bits.
    ///
    /// # Errors
    /// Those of the walk; `EROFS`, `EPERM`; `EOPNOTSUPP`: a symlink.
    pub fn fchmodat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, flags: u32) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        self.want_write(place)?;
        self.ask_server_of(pid, place)?;
        let key = self.dentries[place.dentry].inode;
        let inode = &self.inodes[key];
        if inode.is_symlink() {
            return Err(Errno::EOPNOTSUPP);
        }
        self.check_mapped(place)?;
        if !self.owns(pid, place.mount, inode) {
            return Err(Errno::EPERM);
        }
        // Masked to twelve bits.
        #[allow(clippy::cast_possible_truncation)]
        let mut mode = (mode & 0o7777) as u16;
        if !self.may_set_group_id(pid, place.mount, inode)? {
            mode &= !SET_GROUP_ID;
        }
        let tick = self.next_tick();
        let inode = &mut self.inodes[key];
        inode.mode = mode;
        inode.times.changed = tick;
        Ok(())
    }

    /// Returns true if the set-group-id bit of a file stays when the caller changes its mode.
    fn may_set_group_id(&self, pid: Pid, mount: MountKey, inode: &Inode) -> Result<bool, Errno> {
        let who = &self.task(pid)?.credentials;
        let in_group = self.owner(mount, inode).gid.is_some_and(|gid| who.gid == gid || who.groups.contains(&gid));
        Ok(in_group || self.capable_over(pid, mount, inode, CAP_FSETID))
    }

    /// The set-id bits that a change of the owner clears.
    fn lost_by_chown(&self, pid: Pid, mount: MountKey, inode: &Inode) -> Result<u16, Errno> {
        if inode.is_directory() {
            return Ok(0);
        }
        let is_dropped = inode.mode & GROUP_EXECUTE != 0 || !self.may_set_group_id(pid, mount, inode)?;
        Ok(inode.mode & (SET_USER_ID | if is_dropped { SET_GROUP_ID } else { 0 }))
    }

    /// `fchmod`: permission bits of an open file.
    ///
    /// # Errors
    /// As [`Machine::fchmodat`]; `EBADF`: no such descriptor, or one of `O_PATH`.
    pub fn fchmod(&mut self, pid: Pid, fd: i32, mode: u32) -> Result<(), Errno> {
        self.file(pid, fd)?.check_usable()?;
        self.fchmodat(pid, At::Fd(fd), b"", mode, AT_EMPTY_PATH)
    }

    /// `fchownat`: owner and group, as the caller's user namespace numbers them; `u32::MAX` leaves one as it is.
    ///
    /// # Errors
    /// Those of the walk; `EROFS`, `EPERM`; `EINVAL`: an id that the caller's user namespace does not know.
    pub fn fchownat(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        uid: u32,
        gid: u32,
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        self.want_write(place)?;
        self.check_owners(place)?;
        self.ask_server_of(pid, place)?;
        let task = self.task(pid)?;
        let translated = |ids, id| {
            if id == UNCHANGED {
                return Ok(None);
            }
            self.user_namespaces.to_initial(task.user_ns, ids, id).map(Some).ok_or(Errno::EINVAL)
        };
        let (uid, gid) = (translated(Ids::Users, uid)?, translated(Ids::Groups, gid)?);
        let key = self.dentries[place.dentry].inode;
        let inode = &self.inodes[key];
        let stored = |ids, id: Option<u32>| {
            id.map(|id| self.stored_id(place.mount, inode.superblock, ids, id).ok_or(Errno::EOVERFLOW)).transpose()
        };
        let new_owner = (stored(Ids::Users, uid)?, stored(Ids::Groups, gid)?);
        let (who, shown) = (&task.credentials, self.owner(place.mount, inode));
        // One that the map lacks has to be replaced.
        if uid.or(shown.uid).is_none() || gid.or(shown.gid).is_none() {
            return Err(Errno::EOVERFLOW);
        }
        // An owner that the map lacks is replaced by root of the filesystem's user namespace.
        let rules = |id: Option<u32>| {
            id.is_none() && self.capable(pid, self.superblocks[inode.superblock].user_ns, CAP_CHOWN)
                || self.capable_over(pid, place.mount, inode, CAP_CHOWN)
        };
        let owner = shown.uid == Some(who.uid);
        let uid_allowed = uid.is_none_or(|uid| rules(shown.uid) || owner && Some(uid) == shown.uid);
        let gid_allowed = gid.is_none_or(|gid| {
            rules(shown.gid) || owner && (Some(gid) == shown.gid || gid == who.gid || who.groups.contains(&gid))
        });
        if !uid_allowed || !gid_allowed {
            return Err(Errno::EPERM);
        }
        let lost = self.lost_by_chown(pid, place.mount, inode)?;
        // The bits are cleared as chmod does it.
        if lost != 0 && !self.owns(pid, place.mount, inode) {
            return Err(Errno::EPERM);
        }
        let tick = self.next_tick();
        let inode = &mut self.inodes[key];
        inode.uid = new_owner.0.unwrap_or(inode.uid);
        inode.gid = new_owner.1.unwrap_or(inode.gid);
        inode.times.changed = tick;
        if !inode.is_directory() {
            inode.capabilities = None;
            inode.mode &= !lost;
        }
        Ok(())
    }

    /// `faccessat2`: may the caller do `mode` (`R_OK`, `W_OK`, `X_OK`, or `F_OK`)?
    ///
    /// # Errors
    /// Those of the walk; `EACCES`, `EROFS`; `EINVAL`: unknown flags.
    pub fn faccessat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, flags: u32) -> Result<(), Errno> {
        if mode & !7 != 0 || flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        self.ask_server_of(pid, place)?;
        let inode = &self.inodes[self.dentries[place.dentry].inode];
        if mode & X_OK != 0 && inode.is_regular() && self.mounts[place.mount].flags.has(MountFlags::NO_EXEC) {
            return Err(Errno::EACCES);
        }
        self.check_permission_at(pid, place, mode)?;
        if mode & W_OK != 0 && !inode.is_special() {
            self.want_write(place)?;
        }
        Ok(())
    }
}
