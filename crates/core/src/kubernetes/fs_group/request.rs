//! Requests to change the group of a volume's files.

use crate::spec::{FsGroup, VolumeAccess};

/// The requested group of a volume's files: the input of
/// [`FsGroupRequest::apply`](crate::kubernetes::fs_group::FsGroupRequest::apply).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FsGroupRequest {
    /// The group, and when it is applied.
    pub group: FsGroup,
    /// The access of its members.
    pub access: VolumeAccess,
    /// Decides whether the root is changed although a file below it could not be.
    pub(crate) after_failures: AfterFailures,
}

/// The handling of a volume's root when a file below it could not be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub(crate) enum AfterFailures {
    /// The root is not changed and the result is an error: the next run finds the mismatch and tries again.
    #[default]
    KeepRoot,
    /// The root is changed, as the kubelet does: the pod can use the files that were changed, the report counts the
    /// others, and [`OnRootMismatch`](crate::spec::FsGroupChangePolicy::OnRootMismatch) will not try again.
    ChangeRoot,
}

impl FsGroupRequest {
    /// A request for this group, whose members may read and write.
    pub const fn new(group: FsGroup) -> Self {
        Self { group, access: VolumeAccess::ReadWrite, after_failures: AfterFailures::KeepRoot }
    }

    /// Lets the members of the group only read.
    pub const fn read_only(mut self) -> Self {
        self.access = VolumeAccess::ReadOnly;
        self
    }

    /// Changes the root even if a file below it could not be changed.
    pub const fn despite_failures(mut self) -> Self {
        self.after_failures = AfterFailures::ChangeRoot;
        self
    }
}
