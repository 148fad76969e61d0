//! A host as text: its mounts as a tree, and the differences between two.

pub(crate) mod difference;
mod tree;
