//! What is behind a path.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::MountInfo;

/// What [`backing_device`](crate::device::backing_device) found behind a path, with the mount that shows it.
///
/// Only [`WholeFilesystem`](Self::WholeFilesystem) and [`BlockNode`](Self::BlockNode) name a device that *is* what the path
/// shows. To hand the device of a [`Subtree`](Self::Subtree) to a guest is to hand over everything else on it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum BackingDevice {
    /// The path is where all of a filesystem on a device is mounted.
    WholeFilesystem {
        /// The device that holds the filesystem.
        device: DeviceNumber,
        /// The mount.
        mount: Box<MountInfo>,
    },
    /// The path is a part of a filesystem on a device: a directory or file in it, bound somewhere or not.
    Subtree {
        /// The device that holds the filesystem, and everything else that is on it.
        device: DeviceNumber,
        /// Which part, as a path from the root of the filesystem.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        subpath: PathBuf,
        /// True where the part has been deleted and only its mount keeps it: `subpath` is the name that it had, and may be
        /// that of something else by now.
        deleted: bool,
        /// The mount that holds the path.
        mount: Box<MountInfo>,
    },
    /// The filesystem is on no device that could be named: tmpfs, overlay, NFS, and btrfs, which may be on several; or it needs
    /// a second device (XFS with `logdev=` or `rtdev=`).
    Anonymous {
        /// Its type.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        fs_type: OsString,
        /// The mount that holds the path.
        mount: Box<MountInfo>,
    },
    /// The path is a block device node.
    BlockNode {
        /// The device that it stands for.
        device: DeviceNumber,
    },
    /// The path is a character device node.
    CharNode {
        /// The device that it stands for.
        device: DeviceNumber,
    },
}

impl BackingDevice {
    /// The device number, where there is a device. For a [`Subtree`](Self::Subtree) it holds more than the path shows.
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
