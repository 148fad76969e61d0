//! Binds and remounts.

pub(crate) mod bind_mount;
pub(crate) mod remount;

pub use bind_mount::{BindMount, bind_mount};
pub use remount::{remount, remount_read_only, remount_superblock};
