//! The ports, over the folders below.

pub(crate) mod cached;
pub(crate) mod detached_tree;
pub(crate) mod directory;
pub(crate) mod explain;
pub(crate) mod filesystem;
pub(crate) mod mounter;
pub(crate) mod open_entry;
pub(crate) mod process_root;
