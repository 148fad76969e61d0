//! A dentry, seen through a mount.

use crate::model::keys::{DentryKey, MountKey};

/// The kernel's `struct path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) mount: MountKey,
    pub(crate) dentry: DentryKey,
}
