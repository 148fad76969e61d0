//! Owners of files as a mount shows them.

use mountwright_core::Errno;

use crate::model::keys::{MountKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Inode;
use crate::model::objects::path::Place;

/// The owner and the group of a file, as the initial user namespace numbers them; `None` for one that the map of the mount
/// lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
}

impl Owner {
    pub(crate) const fn is_mapped(self) -> bool {
        self.uid.is_some() && self.gid.is_some()
    }
}

impl Machine {
    /// The owner of a file, seen through a mount.
    pub(crate) fn owner(&self, mount: MountKey, inode: &Inode) -> Owner {
        let map = if self.maps_owners { self.mounts[mount].id_map } else { None };
        let Some(map) = map else { return Owner { uid: Some(inode.uid), gid: Some(inode.gid) } };
        let home = self.superblocks[inode.superblock].user_ns;
        // An id of the filesystem is one inside the map.
        let shown = |ids, id| self.user_namespaces.to_initial(map, ids, self.user_namespaces.number_in(home, ids, id)?);
        Owner { uid: shown(Ids::Users, inode.uid), gid: shown(Ids::Groups, inode.gid) }
    }

    /// The id that a filesystem stores for `id` when a file is given to it through a mount.
    pub(crate) fn stored_id(&self, mount: MountKey, superblock: SuperKey, ids: Ids, id: u32) -> Option<u32> {
        let map = if self.maps_owners { self.mounts[mount].id_map } else { None };
        let Some(map) = map else { return Some(id) };
        let inside = self.user_namespaces.number_in(map, ids, id)?;
        self.user_namespaces.to_initial(self.superblocks[superblock].user_ns, ids, inside)
    }

    /// Checks that a file may be changed: the mount can write its owner and group back.
    ///
    /// # Errors
    /// `EOVERFLOW`: the map of the mount lacks the owner or the group.
    pub(crate) fn check_mapped(&self, place: Place) -> Result<(), Errno> {
        let owner = self.owner(place.mount, &self.inodes[self.dentries[place.dentry].inode]);
        if owner.is_mapped() { Ok(()) } else { Err(Errno::EOVERFLOW) }
    }
}
