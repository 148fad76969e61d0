//! Mounts that lie within the root directory of this process.

use crate::error::{Errno, Error, OsError};
use crate::file::FinalSymlink;
use crate::mount::PathMount;
use crate::mount::subpath::is_outside_root;
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};

/// The mount that holds `at`, where `found` is the result of its look-up.
///
/// # Errors
///
/// [`Error::OutsideRoot`]: its mount point lies outside of the root directory of this process. Without statmount the
/// kernel describes no such mount: then the path exists, and neither its mount nor that of `/` is in the mount table.
pub(crate) fn within_root(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    at: &Location,
    found: Result<PathMount, OsError>,
) -> Result<PathMount, Error> {
    let is_unknown = |at: &Location| mounter.mount_of(at).is_err_and(|error| error.errno() == Errno::ENOENT);
    let is_outside = match &found {
        Ok(found) => is_outside_root(&found.mount),
        Err(error) => {
            error.errno() == Errno::ENOENT
                && is_unknown(&Location::trusted("/"))
                && fs.metadata(at, FinalSymlink::Follow).is_ok()
        }
    };
    if is_outside { Err(Error::OutsideRoot { path: at.for_display() }) } else { Ok(found?) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::file::{DeviceNumber, FileKind, Metadata};
    use crate::mount::{MountId, MountInfo};
    use crate::ports::{MockFilesystem, MockMounter};

    fn mount(mount_point: &str) -> PathMount {
        let mut mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
        mount.mount_point = mount_point.into();
        PathMount { mount, is_root: false }
    }

    /// `root` and `file`: the errno of looking up the mount of `/`, and the file.
    fn look(found: Result<PathMount, Errno>, root: Option<Errno>, file: Option<Errno>) -> Result<PathMount, Error> {
        let (mut fs, mut mounter) = (MockFilesystem::new(), MockMounter::new());
        mounter.expect_mount_of().returning(move |at| {
            root.map_or_else(|| Ok(mount("/")), |errno| Err(OsError::new(Operation::MountOf, at.for_display(), errno)))
        });
        fs.expect_metadata().returning(move |at, _| match file {
            Some(errno) => Err(OsError::new(Operation::Metadata, at.for_display(), errno)),
            None => Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(8, 1), 2)),
        });
        let found = found.map_err(|errno| OsError::new(Operation::MountOf, "/v", errno));
        within_root(&fs, &mounter, &Location::trusted("/v"), found)
    }

    #[test]
    fn a_mount_without_a_path_is_outside_the_root() {
        let outside = || Err(Error::OutsideRoot { path: "/v".into() });
        assert_eq!(look(Ok(mount("")), None, None), outside());
        assert_eq!(look(Err(Errno::ENOENT), Some(Errno::ENOENT), None), outside());
    }

    #[test]
    fn what_is_missing_or_cannot_be_looked_at_is_itself() {
        assert_eq!(look(Ok(mount("/")), None, None), Ok(mount("/")));
        let errno = |found, root, file| look(Err(found), root, file).unwrap_err().errno();
        let (missing, refused) = (Some(Errno::ENOENT), Some(Errno::EACCES));
        assert_eq!(errno(Errno::ENOENT, missing, missing), missing);
        assert_eq!(errno(Errno::ENOENT, None, None), missing);
        assert_eq!(errno(Errno::ENOENT, refused, None), missing);
        assert_eq!(errno(Errno::EACCES, missing, None), refused);
    }
}
