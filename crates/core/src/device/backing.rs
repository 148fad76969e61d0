//! The storage behind a path.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::MountInfo;

/// The storage behind a path, as [`BackingDevice::of`](crate::device::BackingDevice::of) finds it, with the mount that
/// holds the path.
///
/// Only [`WholeFilesystem`](Self::WholeFilesystem) and [`BlockNode`](Self::BlockNode) name a device that holds exactly
/// what the path shows. A guest that gets the device of a [`Subtree`](Self::Subtree) gets everything else on it too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum BackingDevice {
    /// The path is the mount point of a whole filesystem on a device.
    WholeFilesystem {
        /// The device that holds the filesystem.
        device: DeviceNumber,
        /// The mount.
        mount: Box<MountInfo>,
    },
    /// The path is a subtree of a filesystem on a device: a directory or file in it, bound somewhere or not.
    Subtree {
        /// The device that holds the filesystem, and everything else that is on it.
        device: DeviceNumber,
        /// The subtree, as a path from the root of the filesystem.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        subpath: PathBuf,
        /// True where the subtree was deleted and exists only through its mount: `subpath` is its former name, which
        /// may belong to another file by now.
        deleted: bool,
        /// The mount that holds the path.
        mount: Box<MountInfo>,
    },
    /// The filesystem has no single device: tmpfs, overlay, NFS; btrfs, which may be on several devices; or XFS with a
    /// second device (`logdev=` or `rtdev=`).
    Anonymous {
        /// Its type.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        fs_type: OsString,
        /// The mount that holds the path.
        mount: Box<MountInfo>,
    },
    /// The path is a block device node.
    BlockNode {
        /// The device that the node represents.
        device: DeviceNumber,
    },
    /// The path is a character device node.
    CharNode {
        /// The device that the node represents.
        device: DeviceNumber,
    },
}

impl BackingDevice {
    /// The device number, where there is a device. The device of a [`Subtree`](Self::Subtree) holds more than the path
    /// shows.
    pub const fn device(&self) -> Option<DeviceNumber> {
        match self {
            Self::WholeFilesystem { device, .. }
            | Self::Subtree { device, .. }
            | Self::BlockNode { device }
            | Self::CharNode { device } => Some(*device),
            Self::Anonymous { .. } => None,
        }
    }

    /// The mount that holds the path; `None` for a device node.
    pub fn mount(&self) -> Option<&MountInfo> {
        match self {
            Self::WholeFilesystem { mount, .. } | Self::Subtree { mount, .. } | Self::Anonymous { mount, .. } => {
                Some(mount)
            }
            Self::BlockNode { .. } | Self::CharNode { .. } => None,
        }
    }
}
