//! Mount points: the dentry that a mount is attached to, and the checks before it.

use mountwright_core::Errno;

use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::objects::path::Place;

/// The position of a child mount: its parent and the dentry there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MountPoint {
    pub(crate) parent: MountKey,
    pub(crate) dentry: DentryKey,
}

impl Machine {
    /// Returns the mount point for a mount at `place`: the top of the stack there.
    ///
    /// # Errors
    /// `ENOENT`: the name was removed, or the mount it is seen through is in no tree.
    pub(crate) fn mount_point(&self, place: Place) -> Result<MountPoint, Errno> {
        let top = self.onto_mounts(place);
        self.check_mount_point(place, MountPoint { parent: top.mount, dentry: top.dentry })
    }

    /// Returns the mount point for a mount beneath the top of the stack at `place`, the root of a mount.
    ///
    /// # Errors
    /// As [`Machine::mount_point`], and `EINVAL`: not the root of a mount, or of one that is mounted on nothing.
    pub(crate) fn mount_point_beneath(&self, place: Place) -> Result<MountPoint, Errno> {
        if !self.is_mount_root(place) {
            return Err(Errno::EINVAL);
        }
        let top = &self.mounts[self.topmost(place.mount)];
        let Some(parent) = top.parent else { return Err(Errno::EINVAL) };
        self.check_mount_point(place, MountPoint { parent, dentry: top.mount_point })
    }

    fn check_mount_point(&self, place: Place, point: MountPoint) -> Result<MountPoint, Errno> {
        if self.dentries[point.dentry].cannot_mount || self.mounts[place.mount].namespace.is_none() {
            return Err(Errno::ENOENT);
        }
        self.check_can_be_mounted_on(point.dentry)?;
        Ok(point)
    }

    /// # Errors
    /// `ENOENT`: the name, or one above it, was removed.
    pub(crate) fn check_can_be_mounted_on(&self, dentry: DentryKey) -> Result<(), Errno> {
        let mut at = dentry;
        while !self.is_filesystem_root(at) {
            if !self.dentries[at].linked {
                return Err(Errno::ENOENT);
            }
            at = self.dentries[at].parent;
        }
        Ok(())
    }
}
