//! Device numbers in sysfs.

use std::path::{Path, PathBuf};

use crate::error::{Errno, Error};
use crate::file::{DeviceNumber, FinalSymlink};
use crate::path::Location;
use crate::ports::Filesystem;

/// The default mount point of sysfs.
#[doc(alias = "blockFormatTemplate")]
pub const SYSFS_ROOT: &str = "/sys";

/// The device numbers that the kernel lists in sysfs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sysfs {
    root: PathBuf,
}

impl Default for Sysfs {
    /// Sysfs on [`SYSFS_ROOT`].
    fn default() -> Self {
        Self::at(SYSFS_ROOT)
    }
}

impl Sysfs {
    /// Sysfs that is mounted on `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// True where the device is one of the device mapper: `dev/block/MAJ:MIN/dm` exists.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: sysfs could not be read. A missing entry gives `false` and is no error.
    #[doc(alias = "isDeviceMapper")]
    #[doc(alias = "checkStorageDriver")]
    pub fn is_device_mapper(&self, fs: &dyn Filesystem, device: DeviceNumber) -> Result<bool, Error> {
        exists(fs, &self.root.join(format!("dev/block/{device}/dm")))
    }

    /// True where the kernel has a block device of this number: `dev/block/MAJ:MIN` exists.
    ///
    /// # Errors
    ///
    /// As [`is_device_mapper`](Self::is_device_mapper).
    #[doc(alias = "isBlockDevice")]
    pub fn is_block_device(&self, fs: &dyn Filesystem, device: DeviceNumber) -> Result<bool, Error> {
        exists(fs, &self.root.join(format!("dev/block/{device}")))
    }
}

fn exists(fs: &dyn Filesystem, path: &Path) -> Result<bool, Error> {
    match fs.metadata(&Location::trusted(path), FinalSymlink::Follow) {
        Ok(_) => Ok(true),
        Err(error) if error.errno() == Errno::ENOENT => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::ports::MockFilesystem;
    use crate::test_support::read_only_tree::SmallWorld;

    const MAPPED: DeviceNumber = DeviceNumber::new(253, 0);
    const DISK: DeviceNumber = DeviceNumber::new(8, 1);

    fn world(sysfs: &str) -> SmallWorld {
        SmallWorld::new()
            .directory(&format!("{sysfs}/devices/virtual/block/dm-0/dm"))
            .symlink(&format!("{sysfs}/dev/block/253:0"), "../../devices/virtual/block/dm-0")
            .directory(&format!("{sysfs}/devices/pci/sda/sda1"))
            .symlink(&format!("{sysfs}/dev/block/8:1"), "../../devices/pci/sda/sda1")
    }

    #[test]
    fn a_directory_dm_makes_it_a_device_mapper_device() {
        let world = world("/sys");
        assert!(Sysfs::default().is_device_mapper(&world, MAPPED).unwrap());
        assert!(!Sysfs::default().is_device_mapper(&world, DISK).unwrap());
        assert!(!Sysfs::default().is_device_mapper(&world, DeviceNumber::new(253, 1)).unwrap());
    }

    #[test]
    fn a_directory_of_its_own_makes_it_a_block_device() {
        let world = world("/sys");
        assert!(Sysfs::default().is_block_device(&world, MAPPED).unwrap());
        assert!(Sysfs::default().is_block_device(&world, DISK).unwrap());
        assert!(!Sysfs::default().is_block_device(&world, DeviceNumber::new(0, 40)).unwrap());
    }

    #[test]
    fn sysfs_may_be_elsewhere() {
        let world = world("/host/sys");
        let elsewhere = Path::new("/host/sys");
        assert!(Sysfs::at(elsewhere).is_device_mapper(&world, MAPPED).unwrap());
        assert!(Sysfs::at(elsewhere).is_block_device(&world, DISK).unwrap());
        assert!(!Sysfs::default().is_block_device(&world, DISK).unwrap());
        assert!(!Sysfs::default().is_device_mapper(&world, MAPPED).unwrap());
    }

    #[test]
    fn any_failure_but_not_found_is_an_error() {
        for errno in [Errno::EACCES, Errno::ENOTDIR, Errno::EIO] {
            let mut fs = MockFilesystem::new();
            fs.expect_metadata().times(2).returning(move |_, _| Err(OsError::new(Operation::Metadata, "/sys", errno)));
            assert_eq!(Sysfs::default().is_device_mapper(&fs, DISK).unwrap_err().errno(), Some(errno));
            assert_eq!(Sysfs::default().is_block_device(&fs, DISK).unwrap_err().errno(), Some(errno));
        }
    }
}
