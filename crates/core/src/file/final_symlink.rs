//! Treatment of a symlink at the end of a path.

/// Treatment of a symlink as the last component of a path.
///
/// Below a root ([`Location::Beneath`](crate::path::Location::Beneath)) no symlink is followed: `Follow` fails with
/// `ELOOP`. In a root ([`Location::InRoot`](crate::path::Location::InRoot)) it is followed inside the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum FinalSymlink {
    /// Follow it, as stat(2) does.
    Follow,
    /// Use the symlink itself, as lstat(2) does.
    Itself,
}
