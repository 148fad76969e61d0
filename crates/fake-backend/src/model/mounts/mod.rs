//! Mounts: their tree, namespaces, propagation and unmount.

pub(crate) mod attach;
pub(crate) mod copy_tree;
pub(crate) mod lifetime;
pub(crate) mod lock_tree;
pub(crate) mod mount;
pub(crate) mod mount_point;
pub(crate) mod mountinfo;
pub(crate) mod namespace;
pub(crate) mod propagate_mount;
pub(crate) mod propagate_umount;
pub(crate) mod propagation_type;
pub(crate) mod tree;
pub(crate) mod umount;
