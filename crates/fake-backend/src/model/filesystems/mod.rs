//! Filesystem types: their options, new instances, and procfs.

pub(crate) mod context;
pub(crate) mod filesystem_type;
pub(crate) mod options;
pub(crate) mod procfs;
