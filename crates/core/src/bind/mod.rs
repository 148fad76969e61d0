//! Binds and remounts.

pub(crate) mod bind_mount;
pub(crate) mod remount;
