//! Kernel releases: the system calls, fields and flags that each lacks.

use std::fmt;

use mountwright_linux::Call;

use crate::abi::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY, MOVE_MOUNT_BENEATH, MOVE_MOUNT_SET_GROUP, RESOLVE_CACHED,
    STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_NS_ID, STATMOUNT_MNT_OPTS, STATMOUNT_MNT_POINT,
    STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM, STATMOUNT_SB_BASIC, STATX_ATTR_MOUNT_ROOT, STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE,
};

/// A kernel release that a [`Machine`](crate::Machine) can imitate.
///
/// An older release lacks later system calls (`ENOSYS`), fields and flags. A call that exists behaves as on Linux 6.18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KernelVersion {
    /// None of the newer mount calls, no openat2, no mount ids by statx.
    V4_18,
    /// `open_tree`, `move_mount`, fsopen, openat2, mount ids and the mount root attribute by statx.
    V5_10,
    /// `mount_setattr`, `RESOLVE_CACHED`, `MOVE_MOUNT_SET_GROUP`.
    V6_1,
    /// statmount without the source, listmount, unique mount ids, `MOVE_MOUNT_BENEATH`.
    V6_12,
    /// `open_tree_attr`, getxattrat, and every field of statmount: all that is modelled.
    #[default]
    V6_18,
}

/// The attributes that fsmount takes.
const MOUNT_ATTRIBUTES: u64 = MOUNT_ATTR_RDONLY
    | MOUNT_ATTR_NOSUID
    | MOUNT_ATTR_NODEV
    | MOUNT_ATTR_NOEXEC
    | MOUNT_ATTR__ATIME
    | MOUNT_ATTR_NODIRATIME
    | MOUNT_ATTR_NOSYMFOLLOW;

impl KernelVersion {
    /// Every one of them, oldest first.
    pub const ALL: [Self; 5] = [Self::V4_18, Self::V5_10, Self::V6_1, Self::V6_12, Self::V6_18];

    /// The first of them that has this call.
    const fn first_with(call: Call) -> Self {
        match call {
            Call::OpenTreeAttr | Call::RemapOwners | Call::Getxattrat => Self::V6_18,
            Call::Statmount | Call::Listmount | Call::Fchmodat2 => Self::V6_12,
            Call::MountSetattr | Call::MapOwners | Call::SetGroup => Self::V6_1,
            Call::Openat2
            | Call::OpenTree
            | Call::MoveMount
            | Call::Fsopen
            | Call::Fsconfig
            | Call::SetFd
            | Call::Fsmount
            | Call::Fspick => Self::V5_10,
            _ => Self::V4_18,
        }
    }

    /// Returns true if this kernel has the system call.
    pub fn has(self, call: Call) -> bool {
        self >= Self::first_with(call)
    }

    /// The fields and the attributes of statx that it lacks.
    pub(crate) fn lacking_of_statx(self) -> (u32, u64) {
        match self {
            Self::V4_18 => (STATX_MNT_ID | STATX_MNT_ID_UNIQUE, STATX_ATTR_MOUNT_ROOT),
            Self::V5_10 | Self::V6_1 => (STATX_MNT_ID_UNIQUE, 0),
            Self::V6_12 | Self::V6_18 => (0, 0),
        }
    }

    /// The fields of statmount that it has.
    pub(crate) fn fields_of_statmount(self) -> u64 {
        const OF_6_12: u64 = STATMOUNT_SB_BASIC
            | STATMOUNT_MNT_BASIC
            | STATMOUNT_PROPAGATE_FROM
            | STATMOUNT_MNT_ROOT
            | STATMOUNT_MNT_POINT
            | STATMOUNT_FS_TYPE
            | STATMOUNT_MNT_NS_ID
            | STATMOUNT_MNT_OPTS;
        if self < Self::V6_18 { OF_6_12 } else { !0 }
    }

    /// The attributes that fsmount takes: `nosymfollow` since 5.14.
    pub(crate) fn attributes_of_fsmount(self) -> u64 {
        if self < Self::V6_1 { MOUNT_ATTRIBUTES & !MOUNT_ATTR_NOSYMFOLLOW } else { MOUNT_ATTRIBUTES }
    }

    /// The `RESOLVE_…` flags of openat2 that it lacks.
    pub(crate) fn lacking_of_resolve(self) -> u64 {
        if self < Self::V6_1 { RESOLVE_CACHED } else { 0 }
    }

    /// The flags of `move_mount` that it lacks.
    pub(crate) fn lacking_of_move_mount(self) -> u32 {
        let beneath = if self < Self::V6_12 { MOVE_MOUNT_BENEATH } else { 0 };
        beneath | if self < Self::V6_1 { MOVE_MOUNT_SET_GROUP } else { 0 }
    }
}

impl fmt::Display for KernelVersion {
    /// `Linux 6.18`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4_18 => "Linux 4.18",
            Self::V5_10 => "Linux 5.10",
            Self::V6_1 => "Linux 6.1",
            Self::V6_12 => "Linux 6.12",
            Self::V6_18 => "Linux 6.18",
        })
    }
}
