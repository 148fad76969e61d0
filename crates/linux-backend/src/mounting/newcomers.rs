//! Mounts that came into a new mount while it was shared with the copies at its parent's peers.

use std::num::NonZeroU64;

use mountwright_core::mount::{OccupiedTarget, UniqueMountId};
use mountwright_core::{Errno, MountKey, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::attach::Attached;
use crate::mounting::target::Target;
use crate::syscalls::abi::STATMOUNT_MNT_POINT;
use crate::syscalls::failure::{Fault, Step, unless_gone};
use crate::syscalls::{Call, Kernel};

/// The highest number of newcomers that are examined.
const MOST_NEWCOMERS: usize = 64;
/// The highest number of levels below the new mount that are examined.
const MOST_LEVELS: usize = 64;

/// A mount that arrived on a new mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Newcomer {
    /// On the root of the new mount: another bind to the same target, or a mount in a copy.
    Cover,
    /// Below its root.
    Inside,
}

impl Newcomer {
    /// The failure of the bind.
    pub(crate) fn fault(self) -> Fault {
        match self {
            // Another bind to this target may have come too late: the next attempt finds out.
            Self::Cover => Fault::new(Call::MoveMount, Errno::EBUSY).worth_another_attempt(),
            Self::Inside => Fault::new(Call::MoveMount, Errno::EAGAIN),
        }
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Finds a mount that was attached to the new mount, or below it, after it. A cover counts only if the target must
    /// be unoccupied.
    pub(crate) fn newcomer(
        &self,
        attached: &Attached<'_, K::Fd>,
        target: &Target<'_, K::Fd>,
        recursion: Recursion,
    ) -> Step<Option<Newcomer>> {
        let newcomer = match (attached.mount, attached.fence) {
            (MountKey::Unique(id), Some(fence)) if self.uses(Call::Listmount) => self.listed_newcomer(id, fence)?,
            // A tree's own mounts cannot be distinguished from others.
            _ if recursion == Recursion::Tree => None,
            _ => self.newcomer_in_table(attached)?,
        };
        Ok(newcomer.filter(|found| *found == Newcomer::Inside || target.occupied == OccupiedTarget::Refuse))
    }

    /// Finds a mount below `mount` with a unique id larger than `fence`.
    fn listed_newcomer(&self, mount: UniqueMountId, fence: u64) -> Step<Option<Newcomer>> {
        let mut found = None;
        for id in self.calls.listmount(mount.0.get(), fence, MOST_NEWCOMERS)? {
            let child = match unless_gone(self.child_above(id, mount))? {
                None => continue,
                Some(None) => return Ok(Some(Newcomer::Inside)),
                Some(Some(child)) => child,
            };
            let top = self.mount_point_of(mount)?;
            match unless_gone(self.mount_point_of(child))? {
                None => {}
                Some(point) if point == top => found = Some(Newcomer::Cover),
                Some(_) => return Ok(Some(Newcomer::Inside)),
            }
        }
        Ok(found)
    }

    /// Finds a mount on this one in the mount table, for kernels without listmount.
    fn newcomer_in_table(&self, attached: &Attached<'_, K::Fd>) -> Step<Option<Newcomer>> {
        let (table, top) = (self.table()?, self.classic_mount_of(attached.tree)?);
        let Some(mount_point) = table.by_id(top).map(|row| row.mount_point()) else { return Ok(None) };
        let on_top = table.iter().filter(|row| row.parent() == top && row.id() != top);
        let newcomer = |point| if point == mount_point { Newcomer::Cover } else { Newcomer::Inside };
        Ok(on_top.map(|row| newcomer(row.mount_point())).max())
    }

    /// Returns the ancestor of a mount that is directly on `top`.
    fn child_above(&self, mut mount: u64, top: UniqueMountId) -> Step<Option<UniqueMountId>> {
        for _ in 0..MOST_LEVELS {
            let Some(id) = NonZeroU64::new(mount).map(UniqueMountId) else { return Ok(None) };
            let parent = self.relations(id)?.parent;
            if parent == top.0.get() {
                return Ok(Some(id));
            }
            mount = parent;
        }
        Ok(None)
    }

    fn mount_point_of(&self, mount: UniqueMountId) -> Step<std::ffi::OsString> {
        Ok(self.ask(mount, STATMOUNT_MNT_POINT.into(), crate::query::lookup::ROOM)?.mount_point)
    }

    /// Returns true if the mount is in no mount table any more; an error if the kernel does not say.
    pub(crate) fn is_gone(&self, mount: MountKey) -> Step<bool> {
        let looked = match mount {
            MountKey::Unique(id) => self.relations(id).map(drop),
            MountKey::Reused(_) => self.mount_info(mount).map(drop),
        };
        match looked {
            Ok(()) => Ok(false),
            Err(fault) if fault.errno() == Errno::ENOENT => Ok(true),
            Err(fault) => Err(fault),
        }
    }
}
