//! Trees of mounts that are built before they are visible.

pub(crate) mod begin;
pub(crate) mod commit;
pub(crate) mod created;
pub(crate) mod parts;
pub(crate) mod root;
pub(crate) mod targets;
