//! The staging directory: a private mount in which older kernels build what newer ones build detached.

pub(crate) mod area;
pub(crate) mod reclaim;
pub(crate) mod remount_tree;
