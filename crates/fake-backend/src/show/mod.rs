//! A host in words: its mounts as a tree, and what differs between two.

pub(crate) mod difference;
mod tree;
