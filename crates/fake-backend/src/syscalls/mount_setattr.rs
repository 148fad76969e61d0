//! `mount_setattr`.

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, MOUNT_ATTR__ATIME, MOUNT_ATTR_IDMAP,
    MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME,
};
use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::mounts::propagation_type::PropagationType;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;
use crate::syscalls::mount_id_map::IdMapChange;

const KNOWN: u64 = MOUNT_ATTR_RDONLY
    | MOUNT_ATTR_NOSUID
    | MOUNT_ATTR_NODEV
    | MOUNT_ATTR_NOEXEC
    | MOUNT_ATTR__ATIME
    | MOUNT_ATTR_NODIRATIME
    | MOUNT_ATTR_NOSYMFOLLOW
    | MOUNT_ATTR_IDMAP;

/// The argument of `mount_setattr` (`struct mount_attr`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MountAttr {
    /// `MOUNT_ATTR_*` to set.
    pub attr_set: u64,
    /// `MOUNT_ATTR_*` to clear.
    pub attr_clr: u64,
    /// `MS_SHARED`, `MS_PRIVATE`, `MS_SLAVE`, `MS_UNBINDABLE`, or 0.
    pub propagation: u64,
    /// A user namespace for `MOUNT_ATTR_IDMAP`.
    pub userns_fd: u64,
}

impl Machine {
    /// `mount_setattr`: all mounts (`AT_RECURSIVE`) or none are changed.
    ///
    /// # Errors
    /// `EINVAL`: flags. `EPERM`: no privilege, even where nothing would change. `EINVAL`: bits. Those of the walk; `EINVAL`: not
    /// a mount of this namespace. `EPERM`: locked flags. `EBUSY`: open for writing. Nothing has changed then.
    pub fn mount_setattr(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        flags: u32,
        attr: MountAttr,
    ) -> Result<(), Errno> {
        self.check_has(Call::MountSetattr)?;
        if flags & !(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0 {
            return Err(Errno::EINVAL);
        }
        let Some(change) = self.attribute_change(pid, attr, false)? else { return Ok(()) };
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        self.change_attributes(pid, place, flags & AT_RECURSIVE != 0, &change)
    }
}

/// A checked change.
struct Change {
    set: MountFlags,
    clear: MountFlags,
    propagation: Option<PropagationType>,
    id_map: Option<IdMapChange>,
}

impl Change {
    fn applied_to(&self, flags: MountFlags) -> MountFlags {
        flags & !self.clear | self.set
    }
}

impl Machine {
    /// As `mount_setattr` on what an open descriptor names: the second half of `open_tree_attr`.
    pub(crate) fn set_attributes_of(
        &mut self,
        pid: Pid,
        at: At,
        recursive: bool,
        attr: MountAttr,
        replaces_id_map: bool,
    ) -> Result<(), Errno> {
        let Some(change) = self.attribute_change(pid, attr, replaces_id_map)? else { return Ok(()) };
        let place = self.walk(pid, at, b"", WalkFlags { empty: true, ..WalkFlags::FOLLOW })?;
        self.change_attributes(pid, place, recursive, &change)
    }

    /// # Errors
    /// `EPERM`: no privilege, even where nothing would change. `EINVAL`: unknown bits, several propagation types, or
    /// only some bits of the access-time field. Those of [`Machine::id_map_change`].
    fn attribute_change(&self, pid: Pid, attr: MountAttr, replaces_id_map: bool) -> Result<Option<Change>, Errno> {
        self.may_mount(pid)?;
        let MountAttr { attr_set, attr_clr, propagation, .. } = attr;
        if attr_set == 0 && attr_clr == 0 && propagation == 0 {
            return Ok(None);
        }
        let kind = match propagation {
            0 => None,
            flags => Some(PropagationType::from_flags(flags).ok_or(Errno::EINVAL)?),
        };
        if (attr_set | attr_clr) & !KNOWN != 0 {
            return Err(Errno::EINVAL);
        }
        let (mut set, mut clear) = (MountFlags::from_attributes(attr_set), MountFlags::from_attributes(attr_clr));
        match attr_clr & MOUNT_ATTR__ATIME {
            0 if attr_set & MOUNT_ATTR__ATIME != 0 => return Err(Errno::EINVAL),
            0 => {}
            MOUNT_ATTR__ATIME => {
                clear |= MountFlags::REL_ATIME | MountFlags::NO_ATIME;
                match attr_set & MOUNT_ATTR__ATIME {
                    MOUNT_ATTR_RELATIME => set |= MountFlags::REL_ATIME,
                    MOUNT_ATTR_NOATIME => set |= MountFlags::NO_ATIME,
                    MOUNT_ATTR_STRICTATIME => {}
                    _ => return Err(Errno::EINVAL),
                }
            }
            _ => return Err(Errno::EINVAL),
        }
        let id_map = self.id_map_change(pid, (attr_set, attr_clr), attr.userns_fd, replaces_id_map)?;
        Ok(Some(Change { set, clear, propagation: kind, id_map }))
    }

    fn change_attributes(&mut self, pid: Pid, place: Place, recursive: bool, change: &Change) -> Result<(), Errno> {
        let namespace = self.task(pid)?.namespace;
        if !self.is_mount_root(place) {
            return Err(Errno::EINVAL);
        }
        if let Some(id_map) = change.id_map {
            self.check_has_map(id_map)?;
        }
        let top = place.mount;
        if !self.is_detached_root(top) && !self.is_in(top, namespace) {
            return Err(Errno::EINVAL);
        }
        let mounts = if recursive { self.tree(top) } else { vec![top] };
        for &mount in &mounts {
            self.check_change(pid, mount, change)?;
        }
        if change.propagation == Some(PropagationType::Shared) {
            self.invent_groups(&mounts);
        }
        for mount in mounts {
            let object = &mut self.mounts[mount];
            object.flags = change.applied_to(object.flags);
            if let Some(id_map) = change.id_map {
                self.set_id_map_of(mount, id_map);
            }
            if let Some(kind) = change.propagation {
                self.set_propagation_type(mount, kind);
            }
        }
        Ok(())
    }

    /// # Errors
    /// `EOPNOTSUPP`: it has words that the model does not know. `EPERM`: a lock. `EBUSY`: to become read-only while written.
    fn check_change(&self, pid: Pid, key: MountKey, change: &Change) -> Result<(), Errno> {
        self.check_known(key)?;
        let mount = &self.mounts[key];
        if !mount.flags.allows(change.applied_to(mount.flags)) {
            return Err(Errno::EPERM);
        }
        if let Some(id_map) = change.id_map {
            self.check_id_map(pid, key, id_map)?;
        }
        let becomes_read_only = change.set.has(MountFlags::READ_ONLY) && !mount.flags.has(MountFlags::READ_ONLY);
        if becomes_read_only && mount.writers > 0 { Err(Errno::EBUSY) } else { Ok(()) }
    }
}
