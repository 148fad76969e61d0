//! Metadata of a file.

use crate::file::mount_id::MountKey;
use crate::file::{DeviceNumber, FileKind, FileMode, FileTime};

/// The metadata of a file, as stat(2) returns it.
///
/// Non-exhaustive: create one with [`new`](Self::new) and set the fields that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Metadata {
    /// The type of the inode.
    pub kind: FileKind,
    /// The device number of the filesystem that holds it (`st_dev`).
    pub device: DeviceNumber,
    /// The device that a node represents (`st_rdev`): `Some` for block and character device nodes only.
    pub represents: Option<DeviceNumber>,
    /// The inode number.
    pub inode: u64,
    /// Permission bits.
    pub mode: FileMode,
    /// The owner's user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
    /// Size in bytes.
    pub size: u64,
    /// The number of hard links.
    pub links: u64,
    /// The mount that it was reached through; `None` where the kernel does not report it (before 5.8, for a name).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub mount: Option<MountKey>,
    /// The time of creation; `None` where the filesystem does not report one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub birth: Option<FileTime>,
}

impl Metadata {
    /// Metadata with this kind, filesystem and inode number; mode 0, owned by 0:0, no bytes, one name, no device, mount and
    /// birth unknown.
    pub const fn new(kind: FileKind, device: DeviceNumber, inode: u64) -> Self {
        let mode = FileMode::from_bits(0);
        let (represents, mount, birth) = (None, None, None);
        Self { kind, device, represents, inode, mode, uid: 0, gid: 0, size: 0, links: 1, mount, birth }
    }

    /// True of a directory.
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, FileKind::Directory)
    }
}
