//! Flags of one mount.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

use crate::abi;

/// The flags of a mount, its access-time class, and the locks that bind less privileged namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MountFlags(u32);

impl MountFlags {
    pub(crate) const READ_ONLY: Self = Self(1);
    pub(crate) const NO_SUID: Self = Self(1 << 1);
    pub(crate) const NO_DEV: Self = Self(1 << 2);
    pub(crate) const NO_EXEC: Self = Self(1 << 3);
    pub(crate) const NO_ATIME: Self = Self(1 << 4);
    pub(crate) const NO_DIR_ATIME: Self = Self(1 << 5);
    pub(crate) const REL_ATIME: Self = Self(1 << 6);
    pub(crate) const NO_SYMLINK_FOLLOW: Self = Self(1 << 7);
    /// The flags that a remount replaces.
    pub(crate) const SETTABLE: Self = Self(0xff);
    /// The access-time class.
    pub(crate) const ATIME: Self = Self(Self::NO_ATIME.0 | Self::NO_DIR_ATIME.0 | Self::REL_ATIME.0);

    pub(crate) const LOCK_READ_ONLY: Self = Self(1 << 8);
    pub(crate) const LOCK_NO_SUID: Self = Self(1 << 9);
    pub(crate) const LOCK_NO_DEV: Self = Self(1 << 10);
    pub(crate) const LOCK_NO_EXEC: Self = Self(1 << 11);
    pub(crate) const LOCK_ATIME: Self = Self(1 << 12);
    /// Locked to its parent: what is beneath must not be seen.
    pub(crate) const LOCKED: Self = Self(1 << 13);
    /// Owners are mapped: by the mount's map, or on a captured mount in a way that the model does not know.
    pub(crate) const ID_MAPPED: Self = Self(1 << 14);

    /// A flag and its lock, for those that are locked each on its own.
    const LOCKS: [(Self, Self); 4] = [
        (Self::READ_ONLY, Self::LOCK_READ_ONLY),
        (Self::NO_SUID, Self::LOCK_NO_SUID),
        (Self::NO_DEV, Self::LOCK_NO_DEV),
        (Self::NO_EXEC, Self::LOCK_NO_EXEC),
    ];

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the per-mount flags among the flags of `mount`.
    pub(crate) fn from_mount_call(flags: u64) -> Self {
        let mut result = Self::default();
        if flags & abi::MS_NOATIME == 0 {
            result |= Self::REL_ATIME;
        }
        for (bit, flag) in [
            (abi::MS_NOSUID, Self::NO_SUID),
            (abi::MS_NODEV, Self::NO_DEV),
            (abi::MS_NOEXEC, Self::NO_EXEC),
            (abi::MS_NOATIME, Self::NO_ATIME),
            (abi::MS_NODIRATIME, Self::NO_DIR_ATIME),
            (abi::MS_RDONLY, Self::READ_ONLY),
            (abi::MS_NOSYMFOLLOW, Self::NO_SYMLINK_FOLLOW),
        ] {
            if flags & bit != 0 {
                result |= flag;
            }
        }
        if flags & abi::MS_STRICTATIME != 0 {
            result = result & !(Self::REL_ATIME | Self::NO_ATIME);
        }
        result
    }

    /// `MOUNT_ATTR_*` as flags, the access-time field left out.
    pub(crate) fn from_attributes(attributes: u64) -> Self {
        let mut result = Self::default();
        for (bit, flag) in Self::ATTRIBUTES {
            if attributes & bit != 0 {
                result |= flag;
            }
        }
        result
    }

    const ATTRIBUTES: [(u64, Self); 6] = [
        (abi::MOUNT_ATTR_RDONLY, Self::READ_ONLY),
        (abi::MOUNT_ATTR_NOSUID, Self::NO_SUID),
        (abi::MOUNT_ATTR_NODEV, Self::NO_DEV),
        (abi::MOUNT_ATTR_NOEXEC, Self::NO_EXEC),
        (abi::MOUNT_ATTR_NODIRATIME, Self::NO_DIR_ATIME),
        (abi::MOUNT_ATTR_NOSYMFOLLOW, Self::NO_SYMLINK_FOLLOW),
    ];

    /// These flags as `MOUNT_ATTR_*`.
    pub(crate) fn to_attributes(self) -> u64 {
        let mut result = Self::ATTRIBUTES.iter().filter(|(_, flag)| self.has(*flag)).fold(0, |all, (bit, _)| all | bit);
        if self.has(Self::NO_ATIME) {
            result |= abi::MOUNT_ATTR_NOATIME;
        } else if !self.has(Self::REL_ATIME) {
            result |= abi::MOUNT_ATTR_STRICTATIME;
        }
        if self.has(Self::ID_MAPPED) {
            result |= abi::MOUNT_ATTR_IDMAP;
        }
        result
    }

    /// Returns true if the locks permit the change to `new`.
    pub(crate) fn allows(self, new: Self) -> bool {
        Self::LOCKS.iter().all(|(flag, lock)| !self.has(*lock) || new.has(*flag))
            && (!self.has(Self::LOCK_ATIME) || self & Self::ATIME == new & Self::ATIME)
    }

    /// With a lock on each flag that is set, and on the access-time class.
    pub(crate) fn with_locks(self) -> Self {
        let mut result = self | Self::LOCK_ATIME;
        for (flag, lock) in Self::LOCKS {
            if self.has(flag) {
                result |= lock;
            }
        }
        result
    }

    /// As mountinfo prints them: `rw,nosuid,…`.
    pub(crate) fn text(self) -> String {
        let mut text = String::from(if self.has(Self::READ_ONLY) { "ro" } else { "rw" });
        for (flag, word) in [
            (Self::NO_SUID, ",nosuid"),
            (Self::NO_DEV, ",nodev"),
            (Self::NO_EXEC, ",noexec"),
            (Self::NO_ATIME, ",noatime"),
            (Self::NO_DIR_ATIME, ",nodiratime"),
            (Self::REL_ATIME, ",relatime"),
            (Self::NO_SYMLINK_FOLLOW, ",nosymfollow"),
            (Self::ID_MAPPED, ",idmapped"),
        ] {
            if self.has(flag) {
                text.push_str(word);
            }
        }
        text
    }
}

impl BitOr for MountFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
impl BitOrAssign for MountFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
impl BitAnd for MountFlags {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
impl Not for MountFlags {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_hold_the_flags_that_were_set_and_the_access_time_class() {
        let locked = (MountFlags::READ_ONLY | MountFlags::REL_ATIME).with_locks();
        assert!(locked.allows(MountFlags::READ_ONLY | MountFlags::NO_DEV | MountFlags::REL_ATIME));
        assert!(!locked.allows(MountFlags::REL_ATIME));
        assert!(!locked.allows(MountFlags::READ_ONLY | MountFlags::NO_ATIME));
    }

    #[test]
    fn strictatime_prints_as_neither() {
        assert_eq!(MountFlags::from_mount_call(abi::MS_STRICTATIME | abi::MS_NODEV).text(), "rw,nodev");
        assert_eq!(MountFlags::from_mount_call(0).text(), "rw,relatime");
        assert_eq!(MountFlags::from_mount_call(abi::MS_STRICTATIME).to_attributes(), abi::MOUNT_ATTR_STRICTATIME);
    }
}
