//! The objects of the modelled kernel and what happens to them, below the system calls.

pub(crate) mod boot;
pub(crate) mod filesystems;
pub(crate) mod keys;
pub(crate) mod machine;
pub(crate) mod mounts;
pub(crate) mod objects;
pub(crate) mod process;
pub(crate) mod store;
pub(crate) mod version;
pub(crate) mod vfs;
