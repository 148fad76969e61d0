//! Filesystem types: their options, new instances, and procfs.

pub(crate) mod context;
pub(crate) mod filesystem_type;
pub(crate) mod fixed_names;
pub(crate) mod made_by_kernel;
pub(crate) mod nsfs;
pub(crate) mod options;
pub(crate) mod procfs;
