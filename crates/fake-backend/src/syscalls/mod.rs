//! The syscall face: one file for each group of system calls.

pub(crate) mod attributes;
pub(crate) mod create;
pub(crate) mod filesystem_context;
pub(crate) mod getdents64;
pub(crate) mod mount;
pub(crate) mod mount_id_map;
pub(crate) mod mount_setattr;
pub(crate) mod move_mount;
pub(crate) mod new_filesystem;
pub(crate) mod open;
pub(crate) mod open_tree;
pub(crate) mod process;
pub(crate) mod readlinkat;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod statfs;
pub(crate) mod statmount;
pub(crate) mod statx;
pub(crate) mod umount2;
pub(crate) mod working_directory;
pub(crate) mod xattr;
