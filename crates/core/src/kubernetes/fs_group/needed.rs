//! The test whether the group of a volume's files has to be changed.

use crate::error::OsError;
use crate::file::FinalSymlink;
use crate::path::Location;
use crate::ports::Filesystem;
use crate::spec::{FsGroup, FsGroupChangePolicy, VolumeAccess};

/// True where the volume at `volume` has to be changed so that its files have `group`: [`FsGroup::needs_change`] of its
/// root.
///
/// With [`FsGroupChangePolicy::Always`] nothing is looked up. A symlink as last component of a trusted path is
/// followed. The result holds for the moment of the call;
/// [`apply_fs_group`](crate::kubernetes::fs_group::apply_fs_group) tests again, on the directory that it opened.
///
/// # Errors
///
/// The errors of [`Filesystem::metadata`]. (The kubelet treats a root that it cannot examine as one that needs the
/// change, and fails then.)
pub fn fs_group_needs_change(
    fs: &dyn Filesystem,
    volume: &Location,
    group: FsGroup,
    access: VolumeAccess,
) -> Result<bool, OsError> {
    match group.policy {
        FsGroupChangePolicy::Always => Ok(true),
        FsGroupChangePolicy::OnRootMismatch => {
            Ok(group.needs_change(&fs.metadata(volume, FinalSymlink::Follow)?, access))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Errno;
    use crate::ports::MockFilesystem;
    use crate::test_support::hooked_tree::ChangingTree;

    const MISMATCH: FsGroup = FsGroup { gid: 0, policy: FsGroupChangePolicy::OnRootMismatch };

    #[test]
    fn looks_at_the_root_and_nothing_else() {
        let tree = ChangingTree::new(|files| {
            files.directory("/v", 0o2770);
            files.file("/v/f", 0o600, b"");
        });
        let at = Location::trusted("/v");
        assert!(!fs_group_needs_change(&tree, &at, MISMATCH, VolumeAccess::ReadWrite).unwrap());
        let other = FsGroup { gid: 9, ..MISMATCH };
        assert!(fs_group_needs_change(&tree, &at, other, VolumeAccess::ReadWrite).unwrap());
        assert_eq!(tree.calls().len(), 2);
    }

    #[test]
    fn always_needs_no_look() {
        let always = FsGroup { policy: FsGroupChangePolicy::Always, ..MISMATCH };
        let nobody = MockFilesystem::new();
        assert!(fs_group_needs_change(&nobody, &Location::trusted("/v"), always, VolumeAccess::ReadOnly).unwrap());
    }

    #[test]
    fn a_missing_root_is_an_error() {
        let tree = ChangingTree::new(|_| ());
        let error = fs_group_needs_change(&tree, &Location::trusted("/v"), MISMATCH, VolumeAccess::ReadWrite);
        assert_eq!(error.unwrap_err().errno(), Errno::ENOENT);
    }
}
