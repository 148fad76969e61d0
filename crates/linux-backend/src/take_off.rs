//! Taking off again what a call has attached, and nothing else.

use mountwright_core::{Leftover, MountId, MountKey, Propagation, Recursion, UniqueMountId};

use crate::LinuxBackend;
use crate::abi::MNT_DETACH;
use crate::fault::{Fault, Step};
use crate::identity::mount_key;
use crate::kernel::{Kernel, Reach};
use crate::target::Target;

/// How many mounts on top of each other are looked through.
const MOST_COVERS: usize = 64;

impl<K: Kernel> LinuxBackend<K> {
    /// Takes a mount off that this call has attached, by the descriptor of the mount itself, whatever its name is now.
    /// Lazily, since the descriptor is a user of it. What could not be taken off is added to the failure.
    ///
    /// * umount2 takes the top of a stack: a mount that somebody else has put over it is left alone, and so is this one.
    /// * An unmount is one at the peers of the parent, and a copy of a shared mount is a peer of its source. Where the tree is
    ///   not `apart` from that it is made private first, or the source would lose what is mounted on it.
    pub(crate) fn take_off(
        &self,
        (tree, mount): (&K::Fd, MountKey),
        target: &Target<'_, K::Fd>,
        apart: bool,
        fault: Fault,
    ) -> Fault {
        let covered =
            self.stat_shown(target).ok().as_ref().and_then(mount_key).is_some_and(|seen| self.covers(seen, mount));
        let off = !covered
            && (apart || self.propagate(tree, Propagation::Private, Recursion::Tree).is_ok())
            && self.calls.umount2(Reach::Descriptor(tree), MNT_DETACH).is_ok();
        if off { fault } else { fault.leaving(Leftover::Mount { mount, at: target.shown() }) }
    }

    /// True where `seen` is mounted on `mount`, perhaps with others in between.
    pub(crate) fn covers(&self, seen: MountKey, mount: MountKey) -> bool {
        match (seen, mount) {
            (MountKey::Unique(seen), MountKey::Unique(mount)) => self.has_ancestor(seen, mount),
            (MountKey::Reused(seen), MountKey::Reused(mount)) => {
                self.has_ancestor_in_table(seen, mount).unwrap_or(false)
            }
            _ => false,
        }
    }

    fn has_ancestor(&self, mut mount: UniqueMountId, ancestor: UniqueMountId) -> bool {
        for _ in 0..MOST_COVERS {
            let parent = self.relations(mount).ok().and_then(|found| found.parent.try_into().ok()).map(UniqueMountId);
            match parent {
                Some(parent) if parent == ancestor => return true,
                Some(parent) if parent != mount => mount = parent,
                _ => return false,
            }
        }
        false
    }

    fn has_ancestor_in_table(&self, mut mount: MountId, ancestor: MountId) -> Step<bool> {
        let table = self.table()?;
        for _ in 0..MOST_COVERS {
            match table.by_id(mount).map(|row| row.parent()) {
                Some(parent) if parent == ancestor => return Ok(true),
                Some(parent) if parent != mount => mount = parent,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }
}
