//! Mount ids.

use std::fmt;
use std::num::NonZeroU64;

/// A mount's classic id: the first column of mountinfo, `STATX_MNT_ID`.
///
/// The kernel uses it again as soon as the mount is gone: it identifies a mount only while something keeps the mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountId(pub u32);

/// A mount's unique id (`STATX_MNT_ID_UNIQUE`, Linux 6.8): never used again while the machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UniqueMountId(pub NonZeroU64);

/// The best identity of a mount that the kernel at hand has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum MountKey {
    /// An id that is never used again: the same key is the same mount.
    Unique(UniqueMountId),
    /// An id that the kernel uses again: proof only together with something else (device, root, a held descriptor).
    Reused(MountId),
}

impl fmt::Display for MountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for UniqueMountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for MountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unique(id) => write!(f, "{id} (unique id)"),
            Self::Reused(id) => write!(f, "{id}"),
        }
    }
}
