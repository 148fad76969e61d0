//! The test whether the group of a volume's files has to be changed.

use crate::error::OsError;
use crate::file::FinalSymlink;
use crate::kubernetes::fs_group::FsGroupRequest;
use crate::path::Location;
use crate::ports::Filesystem;
use crate::spec::FsGroupChangePolicy;

impl FsGroupRequest {
    /// True where the volume at `volume` has to be changed so that its files have the group:
    /// [`FsGroup::needs_change`](crate::spec::FsGroup::needs_change) of its root.
    ///
    /// With [`FsGroupChangePolicy::Always`] nothing is looked up. A symlink as last component of a trusted path is
    /// followed. The result holds for the moment of the call;
    /// [`FsGroupRequest::apply`](crate::kubernetes::fs_group::FsGroupRequest::apply) tests again, on the directory that
    /// it opened.
    ///
    /// # Errors
    ///
    /// The errors of [`Filesystem::metadata`]. (The kubelet treats a root that it cannot examine as one that needs the
    /// change, and fails then.)
    pub fn needs_change(&self, fs: &dyn Filesystem, volume: &Location) -> Result<bool, OsError> {
        match self.group.policy {
            FsGroupChangePolicy::Always => Ok(true),
            FsGroupChangePolicy::OnRootMismatch => {
                Ok(self.group.needs_change(&fs.metadata(volume, FinalSymlink::Follow)?, self.access))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Errno;
    use crate::ports::MockFilesystem;
    use crate::spec::FsGroup;
    use crate::test_support::hooked_tree::ChangingTree;

    const MISMATCH: FsGroup = FsGroup { gid: 0, policy: FsGroupChangePolicy::OnRootMismatch };

    #[test]
    fn looks_at_the_root_and_nothing_else() {
        let tree = ChangingTree::new(|files| {
            files.directory("/v", 0o2770);
            files.file("/v/f", 0o600, b"");
        });
        let at = Location::trusted("/v");
        assert!(!FsGroupRequest::new(MISMATCH).needs_change(&tree, &at).unwrap());
        let other = FsGroup { gid: 9, ..MISMATCH };
        assert!(FsGroupRequest::new(other).needs_change(&tree, &at).unwrap());
        assert_eq!(tree.calls().len(), 2);
    }

    #[test]
    fn always_needs_no_look() {
        let always = FsGroup { policy: FsGroupChangePolicy::Always, ..MISMATCH };
        let nobody = MockFilesystem::new();
        assert!(FsGroupRequest::new(always).read_only().needs_change(&nobody, &Location::trusted("/v")).unwrap());
    }

    #[test]
    fn a_missing_root_is_an_error() {
        let tree = ChangingTree::new(|_| ());
        let error = FsGroupRequest::new(MISMATCH).needs_change(&tree, &Location::trusted("/v"));
        assert_eq!(error.unwrap_err().errno(), Errno::ENOENT);
    }
}
