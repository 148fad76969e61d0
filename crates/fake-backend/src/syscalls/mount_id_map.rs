//! Id maps of mounts: `MOUNT_ATTR_IDMAP` of `mount_setattr` and `open_tree_attr`.

use mountwright_core::Errno;

use crate::abi::{CAP_SYS_ADMIN, MOUNT_ATTR_IDMAP};
use crate::model::filesystems::filesystem_type::maps_owners;
use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::kernel_version::KernelVersion;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::pid::Pid;
use crate::model::objects::user_namespace::UserNs;

/// Types whose mounts map owners since a version between 6.1 and 6.12 (`mount_setattr(2)`).
const MAPPED_LATER: [&[u8]; 4] = [b"ceph", b"hugetlbfs", b"squashfs", b"tmpfs"];

/// A checked change of the map of owners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdMapChange {
    /// The new map; none clears it.
    map: Option<UserNs>,
    /// A map that is there may be replaced: the copy of `open_tree_attr` was not seen yet.
    replaces: bool,
}

impl Machine {
    /// The change of the map of owners that these attributes, to set and to clear, ask for.
    ///
    /// # Errors
    /// `EINVAL`: cleared where no map may be replaced, or not a user namespace. `EBADF`. `EPERM`: the initial user namespace, or
    /// no privilege over it.
    pub(crate) fn id_map_change(
        &self,
        pid: Pid,
        (set, clear): (u64, u64),
        userns_fd: u64,
        replaces: bool,
    ) -> Result<Option<IdMapChange>, Errno> {
        if (set | clear) & MOUNT_ATTR_IDMAP == 0 {
            return Ok(None);
        }
        if clear & MOUNT_ATTR_IDMAP != 0 {
            if !replaces {
                return Err(Errno::EINVAL);
            }
            if set & MOUNT_ATTR_IDMAP == 0 {
                return Ok(Some(IdMapChange { map: None, replaces }));
            }
        }
        let fd = i32::try_from(userns_fd).map_err(|_| Errno::EINVAL)?;
        let file = self.file(pid, fd)?;
        file.check_usable()?;
        let Content::UserNamespace(namespace) = *self.content(file.place.dentry) else { return Err(Errno::EINVAL) };
        if namespace == UserNs::INITIAL || !self.capable(pid, namespace, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        Ok(Some(IdMapChange { map: Some(namespace), replaces }))
    }

    /// # Errors
    /// `EINVAL`: the user namespace has no map yet.
    pub(crate) fn check_has_map(&self, change: IdMapChange) -> Result<(), Errno> {
        let usable = change.map.is_none_or(|namespace| self.user_namespaces.has_maps(namespace));
        if usable { Ok(()) } else { Err(Errno::EINVAL) }
    }

    /// # Errors
    /// `EINVAL`: the filesystem's own user namespace, a filesystem that maps no owners, or a mount that was attached. `EPERM`: it
    /// has a map, or no privilege over the superblock. `EBUSY`: a file is open for writing.
    pub(crate) fn check_id_map(&self, pid: Pid, key: MountKey, change: IdMapChange) -> Result<(), Errno> {
        let mount = &self.mounts[key];
        let superblock = &self.superblocks[mount.superblock];
        if change.map == Some(superblock.user_ns) {
            return Err(Errno::EINVAL);
        }
        if !change.replaces && mount.flags.has(MountFlags::ID_MAPPED) {
            return Err(Errno::EPERM);
        }
        let is_too_early = self.kernel_version < KernelVersion::V6_12 && MAPPED_LATER.contains(&&*superblock.type_name);
        if !maps_owners(&superblock.type_name) || is_too_early {
            return Err(Errno::EINVAL);
        }
        if !self.capable(pid, superblock.user_ns, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        if !mount.namespace.is_some_and(|home| self.namespaces[home].detached) {
            return Err(Errno::EINVAL);
        }
        if mount.writers > 0 { Err(Errno::EBUSY) } else { Ok(()) }
    }

    pub(crate) fn set_id_map_of(&mut self, key: MountKey, change: IdMapChange) {
        let mount = &mut self.mounts[key];
        mount.id_map = change.map;
        mount.flags = match change.map {
            Some(_) => mount.flags | MountFlags::ID_MAPPED,
            None => mount.flags & !MountFlags::ID_MAPPED,
        };
        self.maps_owners = true;
    }
}
