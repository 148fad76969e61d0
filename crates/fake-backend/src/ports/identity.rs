//! Which mount something is on, and whether it is that mount's root.

use std::num::NonZeroU64;
use std::path::Path;

use mountwright_core::{Errno, MountId, MountKey, UniqueMountId};

use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use crate::Statx;
use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, STATX_ATTR_MOUNT_ROOT, STATX_MNT_ID, STATX_MNT_ID_UNIQUE,
    STATX_TYPE,
};

/// Flags of a statx that never asks a server and never starts an automount.
pub(crate) const QUIETLY: u32 = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
/// What to ask statx for to learn a mount's identity.
pub(crate) const IDENTITY: u32 = STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE;

/// The unique id of the mount that an answer names.
pub(crate) fn unique_id(stat: &Statx) -> Step<UniqueMountId> {
    NonZeroU64::new(stat.mnt_id).map(UniqueMountId).ok_or(Fault::new("statx", Errno::EIO))
}

/// The key of the mount that an answer names, of the same sort as `like`.
pub(crate) fn key_like(stat: &Statx, like: MountKey) -> Step<MountKey> {
    match like {
        MountKey::Unique(_) => unique_id(stat).map(MountKey::Unique),
        MountKey::Reused(_) => u32::try_from(stat.mnt_id)
            .map(|id| MountKey::Reused(MountId(id)))
            .map_err(|_| Fault::new("statx", Errno::EIO)),
    }
}

/// What to ask statx for to compare with a key of this sort.
pub(crate) const fn mask_for(key: MountKey) -> u32 {
    match key {
        MountKey::Unique(_) => IDENTITY,
        MountKey::Reused(_) => STATX_TYPE | STATX_MNT_ID,
    }
}

pub(crate) const fn is_mount_root(stat: &Statx) -> bool {
    stat.attributes & STATX_ATTR_MOUNT_ROOT != 0
}

impl Calls<'_> {
    /// statx of an open descriptor, for these fields.
    pub(crate) fn stat_fd(&mut self, file: Fd, mask: u32) -> Step<Statx> {
        self.statx(file, Path::new(""), AT_EMPTY_PATH | QUIETLY, mask)
    }

    /// The mount of an open descriptor.
    pub(crate) fn mount_of_fd(&mut self, file: Fd) -> Step<UniqueMountId> {
        unique_id(&self.stat_fd(file, IDENTITY)?)
    }
}
