//! One mount or the tree of mounts below it.

/// Whether an operation is about one mount or also about all mounts below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Recursion {
    /// The one mount.
    #[default]
    This,
    /// It and every mount below it (`AT_RECURSIVE`, `MS_REC`).
    Tree,
}
