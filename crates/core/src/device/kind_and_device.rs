//! Kind and device numbers of a file.

use crate::error::{Errno, OsError};
use crate::file::{FinalSymlink, Metadata};
use crate::path::Location;
use crate::ports::Filesystem;

/// Metadata of which only kind and device numbers count: the kernel's caches hold them at a mount's root, so that its server
/// is not asked there.
///
/// # Errors
///
/// Those of [`Filesystem::metadata`].
pub(crate) fn kind_and_device(fs: &dyn Filesystem, at: &Location) -> Result<Metadata, OsError> {
    match fs.metadata_cached(at, FinalSymlink::Follow) {
        Err(error) if matches!(error.errno(), Errno::EAGAIN | Errno::EOPNOTSUPP) => {
            fs.metadata(at, FinalSymlink::Follow)
        }
        found => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::file::{DeviceNumber, FileKind};
    use crate::ports::MockFilesystem;

    /// The inode that is found, 1 of the caches and 2 of the file itself.
    fn look(cached: Option<Errno>) -> Result<u64, Errno> {
        let found = |inode| Metadata::new(FileKind::Directory, DeviceNumber::new(0, 40), inode);
        let mut fs = MockFilesystem::new();
        fs.expect_metadata_cached().returning(move |at, _| {
            cached.map_or_else(|| Ok(found(1)), |errno| Err(OsError::new(Operation::Metadata, at.for_display(), errno)))
        });
        fs.expect_metadata().returning(move |_, _| Ok(found(2)));
        let found = kind_and_device(&fs, &Location::trusted("/m"));
        found.map(|metadata| metadata.inode).map_err(|error| error.errno())
    }

    #[test]
    fn the_file_is_asked_only_where_the_caches_do_not_hold_it() {
        assert_eq!(look(None), Ok(1));
        assert_eq!([Errno::EAGAIN, Errno::EOPNOTSUPP].map(|errno| look(Some(errno))), [Ok(2), Ok(2)]);
        assert_eq!(
            [Errno::ENOENT, Errno::EMFILE].map(|errno| look(Some(errno)).unwrap_err()),
            [Errno::ENOENT, Errno::EMFILE]
        );
    }
}
