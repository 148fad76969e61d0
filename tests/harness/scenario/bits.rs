//! The words of the form: flags, modes and kinds as they are spelled in scenario files, each with the kernel's bits.

use mountwright_fake::abi::{
    F_OK, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, MOUNT_ATTR__ATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID,
    MS_NOSYMFOLLOW, MS_PRIVATE, MS_RDONLY, MS_RELATIME, MS_SHARED, MS_SLAVE, MS_STRICTATIME, MS_UNBINDABLE,
    O_DIRECTORY, O_NONBLOCK, O_PATH, O_RDONLY, O_WRONLY, R_OK, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, S_IFBLK, S_IFCHR, S_IFIFO, S_IFSOCK, UMOUNT_NOFOLLOW, W_OK, X_OK,
};
use serde::{Deserialize, Serialize};

/// An attribute bit that no kernel has given a meaning yet.
const UNKNOWN_ATTRIBUTE: u64 = 1 << 30;
/// An unmount bit that no kernel has given a meaning yet.
const UNKNOWN_UNMOUNT: u32 = 1 << 20;
/// A fifo must not hang the run.
const READING: u32 = O_RDONLY | O_NONBLOCK;
const WRITING: u32 = O_WRONLY | O_NONBLOCK;

/// An enum of words, each with its bits.
macro_rules! words {
    ($bits:ty, $case:literal; $(#[$about:meta])* $name:ident { $($(#[$attribute:meta])* $word:ident = $bit:expr,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = $case)]
        pub enum $name {
            $(#[doc = stringify!($bit)] $(#[$attribute])* $word,)*
        }

        impl $name {
            pub(crate) fn bits(self) -> $bits {
                match self { $(Self::$word => $bit,)* }
            }

            /// The word of the form.
            #[allow(dead_code)] // Not every kind of word stands in lines.
            pub(crate) fn of(word: &str) -> Option<Self> {
                serde_json::from_value(word.into()).ok()
            }

            #[allow(dead_code)] // Not every kind of word stands in lists.
            pub(crate) fn all(words: &[Self]) -> $bits {
                words.iter().fold(0, |bits, word| bits | word.bits())
            }
        }
    };
}

words! { u64, "lowercase";
    /// A per-mount (or, for a new mount, also superblock) flag of mount(2).
    MountFlag {
        Ro = MS_RDONLY,
        Nosuid = MS_NOSUID,
        Nodev = MS_NODEV,
        Noexec = MS_NOEXEC,
        Noatime = MS_NOATIME,
        Nodiratime = MS_NODIRATIME,
        Relatime = MS_RELATIME,
        Strictatime = MS_STRICTATIME,
        Nosymfollow = MS_NOSYMFOLLOW,
    }
}

words! { u64, "lowercase";
    /// A bit of a propagation change by mount(2): the four types, and the mount flags that do not belong there (`EINVAL`).
    PropagationBit {
        Shared = MS_SHARED,
        Private = MS_PRIVATE,
        Slave = MS_SLAVE,
        Unbindable = MS_UNBINDABLE,
        Ro = MS_RDONLY,
        Nosuid = MS_NOSUID,
        Nodev = MS_NODEV,
        Noexec = MS_NOEXEC,
    }
}

words! { u64, "lowercase";
    /// A bit of `attr_set` or `attr_clr` of `mount_setattr(2)`.
    Attribute {
        Rdonly = MOUNT_ATTR_RDONLY,
        Nosuid = MOUNT_ATTR_NOSUID,
        Nodev = MOUNT_ATTR_NODEV,
        Noexec = MOUNT_ATTR_NOEXEC,
        Noatime = MOUNT_ATTR_NOATIME,
        Strictatime = MOUNT_ATTR_STRICTATIME,
        Relatime = MOUNT_ATTR_RELATIME,
        Nodiratime = MOUNT_ATTR_NODIRATIME,
        Nosymfollow = MOUNT_ATTR_NOSYMFOLLOW,
        #[serde(rename = "__atime")]
        AtimeField = MOUNT_ATTR__ATIME,
        Idmap = MOUNT_ATTR_IDMAP,
        Bogus = UNKNOWN_ATTRIBUTE,
    }
}

words! { u32, "lowercase";
    /// A flag of umount2(2).
    UnmountFlag {
        Detach = MNT_DETACH,
        Nofollow = UMOUNT_NOFOLLOW,
        Expire = MNT_EXPIRE,
        Force = MNT_FORCE,
        Bogus = UNKNOWN_UNMOUNT,
    }
}

words! { u32, "lowercase";
    /// The mode of `open`.
    #[derive(Default)]
    OpenMode {
        #[default]
        Path = O_PATH,
        R = READING,
        W = WRITING,
        Dir = O_DIRECTORY,
    }
}

words! { u64, "snake_case";
    /// A flag of openat2(2).
    ResolveFlag {
        Beneath = RESOLVE_BENEATH,
        InRoot = RESOLVE_IN_ROOT,
        NoMagiclinks = RESOLVE_NO_MAGICLINKS,
        NoSymlinks = RESOLVE_NO_SYMLINKS,
        NoXdev = RESOLVE_NO_XDEV,
    }
}

words! { u32, "lowercase";
    /// The kinds of files that `mknod` makes: the character device 1:3, the block device 7:0, a fifo, a socket.
    NodeKind {
        Char = S_IFCHR,
        Block = S_IFBLK,
        Fifo = S_IFIFO,
        Socket = S_IFSOCK,
    }
}

impl NodeKind {
    pub(crate) fn device(self) -> u64 {
        match self {
            Self::Char => rustix::fs::makedev(1, 3),
            Self::Block => rustix::fs::makedev(7, 0),
            Self::Fifo | Self::Socket => 0,
        }
    }
}

words! { u32, "lowercase";
    /// The checks of `access`.
    AccessMode {
        F = F_OK,
        R = R_OK,
        W = W_OK,
        X = X_OK,
    }
}
