//! The words of the form: flags, modes and kinds as they are spelled in scenario files, each with the kernel's bits.

use mountwright_fake::abi;
use serde::{Deserialize, Serialize};

/// An attribute bit that no kernel has given a meaning yet.
const UNKNOWN_ATTRIBUTE: u64 = 1 << 30;
/// An unmount bit that no kernel has given a meaning yet.
const UNKNOWN_UNMOUNT: u32 = 1 << 20;
/// A fifo must not hang the run.
const READING: u32 = abi::O_RDONLY | abi::O_NONBLOCK;
const WRITING: u32 = abi::O_WRONLY | abi::O_NONBLOCK;

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
        Ro = abi::MS_RDONLY,
        Nosuid = abi::MS_NOSUID,
        Nodev = abi::MS_NODEV,
        Noexec = abi::MS_NOEXEC,
        Noatime = abi::MS_NOATIME,
        Nodiratime = abi::MS_NODIRATIME,
        Relatime = abi::MS_RELATIME,
        Strictatime = abi::MS_STRICTATIME,
        Nosymfollow = abi::MS_NOSYMFOLLOW,
    }
}

words! { u64, "lowercase";
    /// A bit of a propagation change by mount(2): the four types, and the mount flags that do not belong there (`EINVAL`).
    PropagationBit {
        Shared = abi::MS_SHARED,
        Private = abi::MS_PRIVATE,
        Slave = abi::MS_SLAVE,
        Unbindable = abi::MS_UNBINDABLE,
        Ro = abi::MS_RDONLY,
        Nosuid = abi::MS_NOSUID,
        Nodev = abi::MS_NODEV,
        Noexec = abi::MS_NOEXEC,
    }
}

words! { u64, "lowercase";
    /// A bit of `attr_set` or `attr_clr` of `mount_setattr(2)`.
    Attribute {
        Rdonly = abi::MOUNT_ATTR_RDONLY,
        Nosuid = abi::MOUNT_ATTR_NOSUID,
        Nodev = abi::MOUNT_ATTR_NODEV,
        Noexec = abi::MOUNT_ATTR_NOEXEC,
        Noatime = abi::MOUNT_ATTR_NOATIME,
        Strictatime = abi::MOUNT_ATTR_STRICTATIME,
        Relatime = abi::MOUNT_ATTR_RELATIME,
        Nodiratime = abi::MOUNT_ATTR_NODIRATIME,
        Nosymfollow = abi::MOUNT_ATTR_NOSYMFOLLOW,
        #[serde(rename = "__atime")]
        AtimeField = abi::MOUNT_ATTR__ATIME,
        Idmap = abi::MOUNT_ATTR_IDMAP,
        Bogus = UNKNOWN_ATTRIBUTE,
    }
}

words! { u32, "lowercase";
    /// A flag of umount2(2).
    UnmountFlag {
        Detach = abi::MNT_DETACH,
        Nofollow = abi::UMOUNT_NOFOLLOW,
        Expire = abi::MNT_EXPIRE,
        Force = abi::MNT_FORCE,
        Bogus = UNKNOWN_UNMOUNT,
    }
}

words! { u32, "lowercase";
    /// The mode of `open`.
    #[derive(Default)]
    OpenMode {
        #[default]
        Path = abi::O_PATH,
        R = READING,
        W = WRITING,
        Dir = abi::O_DIRECTORY,
    }
}

words! { u64, "snake_case";
    /// A flag of openat2(2).
    ResolveFlag {
        Beneath = abi::RESOLVE_BENEATH,
        InRoot = abi::RESOLVE_IN_ROOT,
        NoMagiclinks = abi::RESOLVE_NO_MAGICLINKS,
        NoSymlinks = abi::RESOLVE_NO_SYMLINKS,
        NoXdev = abi::RESOLVE_NO_XDEV,
    }
}

words! { u32, "lowercase";
    /// The kinds of files that `mknod` makes: the character device 1:3, the block device 7:0, a fifo, a socket.
    NodeKind {
        Char = abi::S_IFCHR,
        Block = abi::S_IFBLK,
        Fifo = abi::S_IFIFO,
        Socket = abi::S_IFSOCK,
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
        F = abi::F_OK,
        R = abi::R_OK,
        W = abi::W_OK,
        X = abi::X_OK,
    }
}
