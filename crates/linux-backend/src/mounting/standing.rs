//! The peer group and the master of one mount.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use mountwright_core::mount::{MountId, PeerGroup, PropagationState, UniqueMountId};
use mountwright_core::{Errno, MountKey, Recursion};

use crate::backend::LinuxBackend;
use crate::query::mount_info::group;
use crate::staging::remount_tree::tree;
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, MountStat};

/// The relations of a mount to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) shared: bool,
    pub(crate) master: Option<PeerGroup>,
}

impl From<&MountStat> for Standing {
    fn from(found: &MountStat) -> Self {
        Self { shared: found.peer_group != 0, master: group(found.master) }
    }
}

impl From<&PropagationState> for Standing {
    fn from(found: &PropagationState) -> Self {
        Self { shared: found.peers.is_some(), master: found.master }
    }
}

/// One mount of a tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its classic id, unless it is the top.
    pub(crate) id: Option<MountId>,
    /// Its mount point below the top of the tree.
    pub(crate) path: PathBuf,
    pub(crate) master: Option<PeerGroup>,
}

impl Member {
    pub(crate) fn top(master: Option<PeerGroup>) -> Self {
        Self { id: None, path: PathBuf::new(), master }
    }
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn standing(&self, mount: MountKey) -> Step<Standing> {
        Ok(self.parent_and_standing(mount)?.1)
    }

    /// The parent of a mount, by an id of the same kind, and the relations of the mount.
    pub(crate) fn parent_and_standing(&self, mount: MountKey) -> Step<(Option<MountKey>, Standing)> {
        if let MountKey::Unique(id) = mount {
            let found = self.relations(id)?;
            let parent = NonZeroU64::new(found.parent).map(|id| MountKey::Unique(UniqueMountId(id)));
            return Ok((parent, Standing::from(&found)));
        }
        let found = self.mount_info(mount)?;
        Ok((Some(MountKey::Reused(found.parent)), Standing::from(&found.propagation)))
    }

    /// Returns the mounts of an attached tree with their masters, the top first. Those of a recursive copy are listed
    /// in the mount table only, which is read once.
    pub(crate) fn members(&self, top: &K::Fd, mount: MountKey, recursion: Recursion) -> Step<Vec<Member>> {
        if recursion == Recursion::This {
            return Ok(vec![Member::top(self.standing(mount)?.master)]);
        }
        let (table, top) = (self.table()?, self.classic_mount_of(top)?);
        let gone = || Fault::new(Call::Mountinfo, Errno::ESTALE);
        let base = table.by_id(top).ok_or_else(gone)?.mount_point().into_owned();
        let member = |id: MountId| {
            let row = table.by_id(id).ok_or_else(gone)?;
            let mount_point = row.mount_point();
            let path = mount_point.strip_prefix(&base).map_err(|_| gone())?;
            Ok(Member {
                id: Some(id).filter(|_| id != top),
                path: Path::new(path).into(),
                master: row.propagation().master,
            })
        };
        tree(&table, top).into_iter().map(member).collect()
    }
}
