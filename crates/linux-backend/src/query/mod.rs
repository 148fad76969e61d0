//! Queries about mounts, which change nothing.

pub(crate) mod attribute_bits;
pub(crate) mod lookup;
pub(crate) mod magic_by_type;
pub(crate) mod mount_info;
pub(crate) mod origin;
