//! Places: paths, roots, and every call at each.

pub(super) mod every_call;
pub(super) mod in_root;
pub(super) mod in_root_mounts;
pub(super) mod locations;
