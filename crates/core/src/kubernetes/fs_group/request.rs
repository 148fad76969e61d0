//! What is to be done to a volume's files.

use crate::spec::{FsGroup, VolumeAccess};

/// The group that a volume's files are to have: the input of [`apply_fs_group`](crate::kubernetes::fs_group::apply_fs_group).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FsGroupRequest {
    /// The group, and when it is applied.
    pub group: FsGroup,
    /// What its members may do.
    pub access: VolumeAccess,
    /// Whether the root is changed even though something below it could not be.
    pub after_failures: AfterFailures,
}

/// What becomes of a volume's root when something below it could not be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum AfterFailures {
    /// It stays as it is, and the whole is an error: the next run finds the mismatch and tries again.
    #[default]
    KeepRoot,
    /// It is changed, as the kubelet does: the pod can use what was changed, the report counts what was not, and
    /// [`OnRootMismatch`](crate::spec::FsGroupChangePolicy::OnRootMismatch) will not try again.
    ChangeRoot,
}

impl FsGroupRequest {
    /// This group, whose members may read and write.
    pub const fn new(group: FsGroup) -> Self {
        Self { group, access: VolumeAccess::ReadWrite, after_failures: AfterFailures::KeepRoot }
    }

    /// The members of the group may only read.
    pub const fn read_only(mut self) -> Self {
        self.access = VolumeAccess::ReadOnly;
        self
    }

    /// The root is changed even if something below it could not be.
    pub const fn despite_failures(mut self) -> Self {
        self.after_failures = AfterFailures::ChangeRoot;
        self
    }
}
