//! What a look-up does with a symlink at the end.

/// What a look-up does where the last component of a path is a symlink.
///
/// Below a root ([`Location::Beneath`](crate::path::Location::Beneath)) a symlink is never followed: `Follow` answers `ELOOP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum FinalLink {
    /// Go where it points, as stat(2) does.
    Follow,
    /// Look at the link itself, as lstat(2) does.
    Itself,
}
