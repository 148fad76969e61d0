//! The mount on a mount point.

use std::path::Path;

use crate::error::Error;
use crate::mount::MountInfo;
use crate::path::Location;
use crate::ports::Mounter;

impl MountInfo {
    /// The mount whose root is at `path`: of a stack, the topmost.
    ///
    /// Symlinks are followed. [`Mounter::mount_of`] accepts any path; this requires a mount point.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty. [`Error::NotAMountPoint`]: it exists and no mount has its root there.
    /// [`Error::Os`]: it leads nowhere (`ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`).
    #[doc(alias = "GetDevicePathAndFsTypeOptions")]
    pub fn at(mounter: &dyn Mounter, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(Error::Unspecified { what: "path" });
        }
        let found = mounter.mount_of(&Location::trusted(path))?;
        if found.is_root { Ok(found.mount) } else { Err(Error::NotAMountPoint { path: path.to_path_buf() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, PathMount};
    use crate::ports::MockMounter;
    use mockall::predicate::eq;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    fn a_mount() -> MountInfo {
        let mut mount = MountInfo::new(MountId(96), MountId(28), DeviceNumber::new(0, 46));
        mount.source = "".into();
        mount
    }

    fn answering(path: &Path, is_root: bool) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter
            .expect_mount_of()
            .with(eq(Location::trusted(path)))
            .once()
            .return_once(move |_| Ok(PathMount { mount: a_mount(), is_root }));
        mounter
    }

    #[test]
    fn a_mount_point_gives_its_mount_with_an_empty_source_too() {
        let path = Path::new("/mnt/no-source");
        assert_eq!(MountInfo::at(&answering(path, true), path).unwrap(), a_mount());
    }

    #[test]
    fn a_path_within_a_mount_is_no_mount_point() {
        let path = Path::new("/mnt/no-source/d");
        let error = MountInfo::at(&answering(path, false), path).unwrap_err();
        assert_eq!(error, Error::NotAMountPoint { path: path.into() });
    }

    #[test]
    fn empty_path_is_an_error_without_a_port_call() {
        assert_eq!(MountInfo::at(&MockMounter::new(), Path::new("")).unwrap_err(), Error::Unspecified { what: "path" });
    }

    #[test]
    fn a_path_that_leads_nowhere_is_another_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().return_once(|_| Err(OsError::new(Operation::MountOf, "/x", Errno::ENOENT)));
        assert_eq!(MountInfo::at(&mounter, Path::new("/x")).unwrap_err().errno(), Some(Errno::ENOENT));
    }

    #[test]
    fn paths_are_bytes() {
        let path = Path::new(OsStr::from_bytes(b"/mnt/\xff"));
        assert_eq!(MountInfo::at(&answering(path, true), path).unwrap(), a_mount());
    }
}
