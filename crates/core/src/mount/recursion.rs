//! One mount or the tree of mounts below it.

/// The reach of an operation: one mount, or also all mounts below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Recursion {
    /// The one mount.
    #[default]
    This,
    /// It and every mount below it (`AT_RECURSIVE`, `MS_REC`).
    Tree,
}
