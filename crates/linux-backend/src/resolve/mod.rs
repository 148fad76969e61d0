//! Paths, by descriptors: locations, resolution beneath a directory and in a root, and the identity of files.

pub(crate) mod beneath;
pub(crate) mod identity;
pub(crate) mod in_root;
pub(crate) mod in_tree;
pub(crate) mod location;
pub(crate) mod path_text;
pub(crate) mod root_walk;
