//! Attributes of a mount.

use std::fmt;

use crate::mount::{AtimeMode, AttributeChange, MountFlags};

/// The attributes of a mount, as they are now.
///
/// `Display` is the sixth column of mountinfo, in the kernel's order: `ro,nosuid,noatime`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountAttributes {
    /// The on-off attributes.
    pub flags: MountFlags,
    /// When access times change.
    pub atime: AtimeMode,
}

impl MountAttributes {
    /// The attributes after `change` is applied.
    #[must_use]
    pub fn changed_by(self, change: AttributeChange) -> Self {
        Self {
            flags: self.flags.without(change.clear()).union(change.set()),
            atime: change.atime().unwrap_or(self.atime),
        }
    }

    /// True where [`MountFlags::READ_ONLY`] is set.
    pub fn is_read_only(self) -> bool {
        self.flags.contains(MountFlags::READ_ONLY)
    }
}

impl fmt::Display for MountAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_read_only() {
            f.write_str("rw")?;
        }
        let after_atime = MountFlags::NO_DIR_ATIME | MountFlags::NO_SYMLINK_FOLLOW;
        fmt_words(self.flags.without(after_atime), !self.is_read_only(), f)?;
        // The kernel prints noatime before nodiratime and relatime after it.
        if self.atime == AtimeMode::Never {
            f.write_str(",noatime")?;
        }
        fmt_words(self.flags.without(MountFlags::ALL.without(MountFlags::NO_DIR_ATIME)), true, f)?;
        if self.atime == AtimeMode::Relative {
            f.write_str(",relatime")?;
        }
        fmt_words(self.flags.without(MountFlags::ALL.without(MountFlags::NO_SYMLINK_FOLLOW)), true, f)
    }
}

fn fmt_words(flags: MountFlags, mut comma: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (_, word) in flags.words() {
        if comma {
            f.write_str(",")?;
        }
        f.write_str(word)?;
        comma = true;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_in_the_kernels_order() {
        let all = MountAttributes { flags: MountFlags::ALL, atime: AtimeMode::Relative };
        assert_eq!(all.to_string(), "ro,nosuid,nodev,noexec,nodiratime,relatime,nosymfollow");
        let never = MountAttributes { flags: MountFlags::NO_DIR_ATIME, atime: AtimeMode::Never };
        assert_eq!(never.to_string(), "rw,noatime,nodiratime");
        let strict = MountAttributes { flags: MountFlags::READ_ONLY, atime: AtimeMode::Strict };
        assert_eq!(strict.to_string(), "ro");
        assert_eq!(MountAttributes::default().to_string(), "rw,relatime");
    }
}
