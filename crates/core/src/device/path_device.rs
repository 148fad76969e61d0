//! The device that a path is on or represents.

use std::path::{Path, PathBuf};

use crate::file::DeviceNumber;

/// The result of [`PathDevice::of`](crate::device::PathDevice::of).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum PathDevice {
    /// The path is a block device node.
    BlockNode {
        /// The device that it represents.
        device: DeviceNumber,
    },
    /// The path is a character device node.
    CharNode {
        /// The device that it represents.
        device: DeviceNumber,
    },
    /// The path is a file or directory on a filesystem.
    Filesystem {
        /// The device number of the filesystem. Its major number is 0 where there is no device behind it.
        device: DeviceNumber,
        /// The highest directory above the path with the same device number: its mount point, unless another subtree of
        /// the same filesystem is bound there.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        mount_point: PathBuf,
    },
}

impl PathDevice {
    /// The device number.
    pub const fn device(&self) -> DeviceNumber {
        match self {
            Self::BlockNode { device } | Self::CharNode { device } | Self::Filesystem { device, .. } => *device,
        }
    }

    /// The mount point; `None` for a device node.
    pub fn mount_point(&self) -> Option<&Path> {
        match self {
            Self::Filesystem { mount_point, .. } => Some(mount_point),
            Self::BlockNode { .. } | Self::CharNode { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_filesystem_has_a_mount_point() {
        let device = DeviceNumber::new(8, 1);
        let on = PathDevice::Filesystem { device, mount_point: "/mnt".into() };
        assert_eq!((on.device(), on.mount_point()), (device, Some(Path::new("/mnt"))));
        for node in [PathDevice::BlockNode { device }, PathDevice::CharNode { device }] {
            assert_eq!((node.device(), node.mount_point()), (device, None));
        }
    }
}
