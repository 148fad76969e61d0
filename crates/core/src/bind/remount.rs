//! Changes of an existing mount.

use crate::bind::bind_mount::{record_resolved, specified};
use crate::error::Error;
use crate::mount::{AttributeChange, AttributesReport, AttributesRequest, Recursion};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};

/// Changes attributes of the mount whose root is at `at`, or of its whole tree. Attributes that `change` does not name
/// stay, and so do other mounts of the same filesystem.
///
/// Symlinks of a trusted location are followed. The report shows whether a tree was changed atomically.
///
/// # Errors
///
/// [`Error::Unspecified`]: the path is empty. [`Error::Os`]: the errors of [`Mounter::change_attributes`]; nothing is
/// changed then.
pub fn remount(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    at: &Location,
    change: AttributeChange,
    recursion: Recursion,
) -> Result<AttributesReport, Error> {
    specified(at, "source")?;
    let request = AttributesRequest::new(at.clone(), change);
    let request = if recursion == Recursion::Tree { request.recursive() } else { request };
    span(fs, at).in_scope(|| Ok(mounter.change_attributes(&request)?))
}

/// Makes the mount whose root is at `at` read-only and changes nothing else.
///
/// # Errors
///
/// As [`remount`].
#[doc(alias = "remountRo")]
pub fn remount_read_only(fs: &dyn Filesystem, mounter: &dyn Mounter, at: &Location) -> Result<AttributesReport, Error> {
    remount(fs, mounter, at, AttributeChange::READ_ONLY, Recursion::This)
}

/// Makes the superblock behind the mount at `at` read-only or writable: for every mount of that filesystem on the
/// machine. The original did this to any caller that forgot a flag; here it is a function of its own.
///
/// # Errors
///
/// [`Error::Unspecified`]: the path is empty. [`Error::Os`]: the errors of [`Mounter::set_superblock_read_only`].
pub fn remount_superblock(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    at: &Location,
    read_only: bool,
) -> Result<(), Error> {
    specified(at, "source")?;
    span(fs, at).in_scope(|| Ok(mounter.set_superblock_read_only(at, read_only)?))
}

fn span(fs: &dyn Filesystem, at: &Location) -> tracing::Span {
    let span = tracing::debug_span!(
        target: "mountwright", "remount", subsystem = "mount",
        source = %at.for_display().display(),
        source_after_eval = tracing::field::Empty,
    );
    record_resolved(&span, fs, at);
    span
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{Guarantee, MountFlags};
    use crate::ports::{MockFilesystem, MockMounter};

    #[test]
    fn read_only_is_a_delta_of_one_flag_on_one_mount() {
        let mut mounter = MockMounter::new();
        mounter
            .expect_change_attributes()
            .withf(|request| {
                request.change().set() == MountFlags::READ_ONLY
                    && request.change().clear().is_empty()
                    && request.change().atime().is_none()
                    && request.recursion() == Recursion::This
            })
            .times(1)
            .returning(|_| Ok(AttributesReport::new(Guarantee::Atomic)));
        remount_read_only(&MockFilesystem::new(), &mounter, &Location::trusted("/m")).unwrap();
    }

    #[test]
    fn a_tree_is_asked_for_as_a_tree_and_the_report_comes_back() {
        let mut mounter = MockMounter::new();
        mounter
            .expect_change_attributes()
            .withf(|request| request.recursion() == Recursion::Tree)
            .returning(|_| Ok(AttributesReport::new(Guarantee::Window)));
        let change = AttributeChange::setting(MountFlags::NO_EXEC);
        let report =
            remount(&MockFilesystem::new(), &mounter, &Location::trusted("/m"), change, Recursion::Tree).unwrap();
        assert_eq!(report.guarantee, Guarantee::Window);
    }

    #[test]
    fn the_superblock_is_changed_only_by_name() {
        let mut mounter = MockMounter::new();
        mounter.expect_set_superblock_read_only().withf(|_, read_only| *read_only).times(1).returning(|_, _| Ok(()));
        remount_superblock(&MockFilesystem::new(), &mounter, &Location::trusted("/m"), true).unwrap();
    }

    #[test]
    fn an_empty_path_is_named() {
        let (fs, mounter, nowhere) = (MockFilesystem::new(), MockMounter::new(), Location::trusted(""));
        let expected = Error::Unspecified { what: "source" };
        assert_eq!(remount_read_only(&fs, &mounter, &nowhere), Err(expected.clone()));
        assert_eq!(remount_superblock(&fs, &mounter, &nowhere, true), Err(expected));
    }
}
