//! The mount of a file, and whether the file is its root.

use std::num::NonZeroU64;

use mountwright_core::mount::{MountId, UniqueMountId};
use mountwright_core::{Errno, MountKey};

use crate::backend::LinuxBackend;
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, O_CLOEXEC, O_DIRECTORY, O_PATH, S_IFDIR, S_IFMT, S_IFREG,
    STATX_ATTR_MOUNT_ROOT, STATX_MNT_ID, STATX_MNT_ID_UNIQUE, STATX_TYPE,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::statx::IDENTITY;
use crate::syscalls::{At, Call, Kernel, Stat};

/// Flags of a statx that never asks a server and never starts an automount.
pub(crate) const QUIETLY: u32 = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;

/// The kind of file: one of `S_IF…`.
pub(crate) fn kind(stat: &Stat) -> u32 {
    u32::from(stat.mode) & S_IFMT
}

/// Returns the mount in a statx result, if the kernel reports one (5.8; unique since 6.8).
pub(crate) fn mount_key(stat: &Stat) -> Option<MountKey> {
    if stat.mask & STATX_MNT_ID_UNIQUE != 0 {
        NonZeroU64::new(stat.mount_id).map(|id| MountKey::Unique(UniqueMountId(id)))
    } else if stat.mask & STATX_MNT_ID != 0 {
        u32::try_from(stat.mount_id).ok().map(|id| MountKey::Reused(MountId(id)))
    } else {
        None
    }
}

/// Returns whether the file is the root of its mount, if the kernel reports it (5.8).
pub(crate) fn mount_root(stat: &Stat) -> Option<bool> {
    let bit = u64::from(STATX_ATTR_MOUNT_ROOT);
    (stat.attributes_mask & bit != 0).then_some(stat.attributes & bit != 0)
}

impl<K: Kernel> LinuxBackend<K> {
    /// Returns the statx mask for a mount's best identity. A unique id is useful only if statmount accepts it.
    pub(crate) fn identity_mask(&self) -> u32 {
        if self.uses(Call::Statmount) {
            STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE
        } else {
            STATX_TYPE | STATX_MNT_ID
        }
    }

    /// Calls statx on an open descriptor, for these fields. With fields of [`IDENTITY`] alone it also succeeds for a
    /// file whose server refuses this user: nothing else can refuse an open descriptor.
    pub(crate) fn stat_fd(&self, file: &K::Fd, mask: u32) -> Step<Stat> {
        let mut stat = match self.calls.statx(At::Fd(file), "".as_ref(), AT_EMPTY_PATH | QUIETLY, mask) {
            Err(fault) if fault.errno() == Errno::EACCES && mask & !IDENTITY == 0 => Stat::default(),
            other => other?,
        };
        if mask & STATX_TYPE & !stat.mask != 0 {
            // A descriptor can be reopened without the server. This does not distinguish symlinks from files, but only
            // a mount of a symlink could occur here.
            let kind = match self.calls.reopen(file, O_PATH | O_DIRECTORY | O_CLOEXEC) {
                Ok(_) => S_IFDIR,
                Err(fault) if fault.errno() == Errno::ENOTDIR => S_IFREG,
                Err(fault) => return Err(fault),
            };
            // Kinds are the upper half of 16 bits.
            stat.mode = u16::try_from(kind).unwrap_or_default();
        }
        Ok(stat)
    }

    /// Returns the key of the seen mount, of the expected kind if both are the same mount: statx may not report the
    /// unique id. A descriptor keeps the seen mount.
    pub(crate) fn as_expected(&self, seen: MountKey, expected: MountKey) -> Step<MountKey> {
        match (seen, expected) {
            (MountKey::Reused(seen_id), MountKey::Unique(id)) if self.uses(Call::Statmount) => match self.relations(id)
            {
                Ok(found) if MountId(found.old_id) == seen_id => Ok(expected),
                Err(fault) if fault.errno() != Errno::ENOENT => Err(fault),
                _ => Ok(seen),
            },
            _ => Ok(seen),
        }
    }

    /// The mount of an open descriptor: its best identity.
    pub(crate) fn mount_of_fd(&self, file: &K::Fd) -> Step<MountKey> {
        Ok(self.kind_and_mount_of_fd(file)?.1)
    }

    pub(crate) fn kind_and_mount_of_fd(&self, file: &K::Fd) -> Step<(u32, MountKey)> {
        let stat = self.stat_fd(file, self.identity_mask())?;
        let key = match mount_key(&stat) {
            Some(key) => key,
            None => self.mount_in_fdinfo(file)?,
        };
        Ok((kind(&stat), key))
    }

    /// Returns the mount by the descriptor's fdinfo, the only source before 5.8.
    pub(crate) fn mount_in_fdinfo(&self, file: &K::Fd) -> Step<MountKey> {
        let text = self.calls.fdinfo(file)?;
        let id = text.split(|&byte| byte == b'\n').find_map(|line| {
            let digits = line.strip_prefix(b"mnt_id:")?;
            std::str::from_utf8(digits).ok()?.trim().parse().ok()
        });
        id.map(|id| MountKey::Reused(MountId(id))).ok_or(Fault::new(Call::Fdinfo, Errno::EOPNOTSUPP))
    }
}
