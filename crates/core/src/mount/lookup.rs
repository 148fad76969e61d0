//! Results of looking up the mount of a path.

use crate::file::{DeviceNumber, FilesystemMagic};
use crate::mount::MountInfo;

/// The mount that holds a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PathMount {
    /// The mount: of a stack, the topmost.
    pub mount: MountInfo,
    /// True where the path is the root of that mount: a mount point, seen from outside.
    pub is_root: bool,
}

/// The filesystem that holds a path, without the strings that cost most of [`PathMount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FilesystemOf {
    /// Which kind of filesystem it is.
    pub magic: FilesystemMagic,
    /// Its device number.
    pub device: DeviceNumber,
    /// True where the path is the root of a mount.
    pub is_mount_root: bool,
}

impl FilesystemOf {
    /// A filesystem of this kind and device, at a path that is not the root of a mount.
    pub const fn new(magic: FilesystemMagic, device: DeviceNumber) -> Self {
        Self { magic, device, is_mount_root: false }
    }
}
