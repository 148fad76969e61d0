//! Magic numbers of filesystems.

use std::fmt;

/// Which kind of filesystem a superblock is (`include/uapi/linux/magic.h`, statfs(2)).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FilesystemMagic(pub u32);

macro_rules! known {
    ($($name:ident = $number:literal, $word:literal;)*) => {
        impl FilesystemMagic {
            $(
                #[doc = concat!("`", $word, "`")]
                pub const $name: Self = Self($number);
            )*

            /// Its name, where it is one of the constants here.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($word),)*
                    _ => None,
                }
            }
        }
    };
}

known! {
    TMPFS = 0x0102_1994, "tmpfs";
    RAMFS = 0x8584_58f6, "ramfs";
    HUGETLBFS = 0x9584_58f6, "hugetlbfs";
    PROC = 0x9fa0, "proc";
    SYSFS = 0x6265_6572, "sysfs";
    DEVPTS = 0x1cd1, "devpts";
    MQUEUE = 0x1980_0202, "mqueue";
    CGROUP2 = 0x6367_7270, "cgroup2";
    BPF = 0xcafe_4a11, "bpf";
    OVERLAY = 0x794c_7630, "overlay";
    EXT4 = 0xef53, "ext4";
    XFS = 0x5846_5342, "xfs";
    BTRFS = 0x9123_683e, "btrfs";
    VFAT = 0x4d44, "vfat";
    FUSE = 0x6573_5546, "fuse";
    NFS = 0x6969, "nfs";
}

impl FilesystemMagic {
    /// Returns true if no look-up in such a filesystem waits for a server. One of a disk may wait for the disk. False for
    /// overlay, whose layers may be anywhere, and for every kind that is not known here.
    pub const fn is_without_server(self) -> bool {
        matches!(
            self,
            Self::TMPFS
                | Self::RAMFS
                | Self::HUGETLBFS
                | Self::PROC
                | Self::SYSFS
                | Self::DEVPTS
                | Self::MQUEUE
                | Self::CGROUP2
                | Self::BPF
                | Self::EXT4
                | Self::XFS
                | Self::BTRFS
                | Self::VFAT
        )
    }
}

impl fmt::Display for FilesystemMagic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for FilesystemMagic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilesystemMagic({self})")
    }
}
