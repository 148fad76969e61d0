//! The words of the form: flags, modes and kinds as they are spelled in scenario files.

use serde::{Deserialize, Serialize};

/// A per-mount (or, for a new mount, also superblock) flag of mount(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountFlag {
    /// `MS_RDONLY`
    Ro,
    /// `MS_NOSUID`
    Nosuid,
    /// `MS_NODEV`
    Nodev,
    /// `MS_NOEXEC`
    Noexec,
    /// `MS_NOATIME`
    Noatime,
    /// `MS_NODIRATIME`
    Nodiratime,
    /// `MS_RELATIME`
    Relatime,
    /// `MS_STRICTATIME`
    Strictatime,
    /// `MS_NOSYMFOLLOW`
    Nosymfollow,
}

/// A bit of a propagation change by mount(2): the four types, and the mount flags that do not belong there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropagationBit {
    /// `MS_SHARED`
    Shared,
    /// `MS_PRIVATE`
    Private,
    /// `MS_SLAVE`
    Slave,
    /// `MS_UNBINDABLE`
    Unbindable,
    /// `MS_RDONLY`: no propagation type; the kernel says EINVAL
    Ro,
    /// `MS_NOSUID`: no propagation type
    Nosuid,
    /// `MS_NODEV`: no propagation type
    Nodev,
    /// `MS_NOEXEC`: no propagation type
    Noexec,
}

/// A bit of `attr_set` or `attr_clr` of `mount_setattr(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attribute {
    /// `MOUNT_ATTR_RDONLY`
    Rdonly,
    /// `MOUNT_ATTR_NOSUID`
    Nosuid,
    /// `MOUNT_ATTR_NODEV`
    Nodev,
    /// `MOUNT_ATTR_NOEXEC`
    Noexec,
    /// `MOUNT_ATTR_NOATIME`: a value of the atime field
    Noatime,
    /// `MOUNT_ATTR_STRICTATIME`: a value of the atime field
    Strictatime,
    /// `MOUNT_ATTR_RELATIME`: the value 0 of the atime field
    Relatime,
    /// `MOUNT_ATTR_NODIRATIME`
    Nodiratime,
    /// `MOUNT_ATTR_NOSYMFOLLOW`
    Nosymfollow,
    /// `MOUNT_ATTR__ATIME`: the whole atime field
    #[serde(rename = "__atime")]
    AtimeField,
    /// A bit that no kernel knows
    Bogus,
}

/// A flag of umount2(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnmountFlag {
    /// `MNT_DETACH`
    Detach,
    /// `UMOUNT_NOFOLLOW`
    Nofollow,
    /// `MNT_EXPIRE`
    Expire,
    /// `MNT_FORCE`
    Force,
    /// A bit that no kernel knows
    Bogus,
}

/// The mode of `open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpenMode {
    /// `O_PATH`
    #[default]
    Path,
    /// `O_RDONLY`
    R,
    /// `O_WRONLY`
    W,
    /// `O_RDONLY | O_DIRECTORY`
    Dir,
}

/// A `RESOLVE_*` flag of openat2(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolveFlag {
    /// `RESOLVE_BENEATH`
    Beneath,
    /// `RESOLVE_IN_ROOT`
    InRoot,
    /// `RESOLVE_NO_MAGICLINKS`
    NoMagiclinks,
    /// `RESOLVE_NO_SYMLINKS`
    NoSymlinks,
    /// `RESOLVE_NO_XDEV`
    NoXdev,
}

/// The kinds of files that `mknod` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// The character device 1:3
    Char,
    /// The block device 7:0
    Block,
    /// A fifo
    Fifo,
    /// A socket
    Socket,
}

/// The checks of `access`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessMode {
    /// `F_OK`
    F,
    /// `R_OK`
    R,
    /// `W_OK`
    W,
    /// `X_OK`
    X,
}
