//! Forms of a tree of mounts that is not visible yet.

use std::fmt;

/// The form in which a [`DetachedTree`](crate::ports::DetachedTree) is built, and so the guarantee that it gives. Later is
/// stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum TreeForm {
    /// In a private mount in a staging directory, moved to its target as a whole (before Linux 6.15). Other processes see its
    /// mounts in the mount table; only the same user and root can reach them. A killed process leaves it to the next
    /// backend with the same staging directory, which removes it.
    Staged,
    /// In no mount namespace: no other process sees it, and the kernel removes it when its process dies.
    Detached,
}

impl fmt::Display for TreeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Staged => "staged",
            Self::Detached => "detached",
        })
    }
}
