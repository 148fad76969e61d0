//! The on-off attributes of a mount.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of the on-off attributes of a mount (`mount_setattr(2)`); those of the superblock are another matter.
///
/// `Display` is mountinfo's words in the kernel's order, `ro,nosuid`; nothing for the empty set.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MountFlags(u8);

/// Every flag with its mountinfo word, in the order in which the kernel prints them; it prints the atime class between
/// `noexec` and `nodiratime`.
const WORDS: [(MountFlags, &str); 6] = [
    (MountFlags::READ_ONLY, "ro"),
    (MountFlags::NO_SUID, "nosuid"),
    (MountFlags::NO_DEV, "nodev"),
    (MountFlags::NO_EXEC, "noexec"),
    (MountFlags::NO_DIR_ATIME, "nodiratime"),
    (MountFlags::NO_SYMLINK_FOLLOW, "nosymfollow"),
];

impl MountFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Nothing can be written through this mount (`MOUNT_ATTR_RDONLY`).
    #[doc(alias = "MS_RDONLY")]
    pub const READ_ONLY: Self = Self(1);
    /// Set-user-id, set-group-id and file capabilities are ignored (`MOUNT_ATTR_NOSUID`).
    #[doc(alias = "MS_NOSUID")]
    pub const NO_SUID: Self = Self(1 << 1);
    /// Device nodes cannot be opened (`MOUNT_ATTR_NODEV`).
    #[doc(alias = "MS_NODEV")]
    pub const NO_DEV: Self = Self(1 << 2);
    /// Files cannot be executed (`MOUNT_ATTR_NOEXEC`).
    #[doc(alias = "MS_NOEXEC")]
    pub const NO_EXEC: Self = Self(1 << 3);
    /// Symlinks on this mount are not followed (`MOUNT_ATTR_NOSYMFOLLOW`).
    #[doc(alias = "MS_NOSYMFOLLOW")]
    pub const NO_SYMLINK_FOLLOW: Self = Self(1 << 4);
    /// Access times of directories are not kept (`MOUNT_ATTR_NODIRATIME`).
    #[doc(alias = "MS_NODIRATIME")]
    pub const NO_DIR_ATIME: Self = Self(1 << 5);
    /// Every flag there is.
    pub const ALL: Self = Self(0x3f);

    /// True where every flag of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// True where at least one flag is in both.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The flags of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True of the empty set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags of this set one by one, each with its mountinfo word, in the kernel's order.
    pub fn words(self) -> impl Iterator<Item = (Self, &'static str)> {
        WORDS.into_iter().filter(move |&(flag, _)| self.contains(flag))
    }

    /// The flag of a mountinfo word; `None` for `rw`, atime classes and anything else.
    pub fn from_word(word: &[u8]) -> Option<Self> {
        WORDS.iter().find(|(_, known)| known.as_bytes() == word).map(|&(flag, _)| flag)
    }
}

impl BitOr for MountFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for MountFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Display for MountFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (_, word)) in self.words().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl fmt::Debug for MountFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MountFlags({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_word_and_back() {
        let mut all = MountFlags::NONE;
        for (flag, word) in MountFlags::ALL.words() {
            assert_eq!(MountFlags::from_word(word.as_bytes()), Some(flag));
            assert!(!all.intersects(flag), "{word} twice");
            all |= flag;
        }
        assert_eq!(all, MountFlags::ALL);
        assert_eq!(MountFlags::from_word(b"rw"), None);
    }

    #[test]
    fn sets_behave_as_sets() {
        let both = MountFlags::READ_ONLY | MountFlags::NO_DEV;
        assert!(both.contains(MountFlags::NO_DEV) && !both.contains(both | MountFlags::NO_EXEC));
        assert_eq!(both.without(MountFlags::NO_DEV), MountFlags::READ_ONLY);
        assert_eq!(both.union(MountFlags::NO_DEV), both);
        assert!(both.intersects(MountFlags::NO_DEV) && !both.intersects(MountFlags::NO_EXEC));
        assert_eq!(both.to_string(), "ro,nodev");
        assert!(MountFlags::NONE.is_empty() && MountFlags::NONE.to_string().is_empty());
    }
}
