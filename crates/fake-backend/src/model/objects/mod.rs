//! The objects that a machine consists of, without what happens to them.

pub(crate) mod captured_line;
pub(crate) mod credentials;
pub(crate) mod dentry;
pub(crate) mod device_number;
pub(crate) mod filesystem_context;
pub(crate) mod ids;
pub(crate) mod inode;
pub(crate) mod kernel_version;
pub(crate) mod mount;
pub(crate) mod mount_flags;
pub(crate) mod namespace;
pub(crate) mod open_file;
pub(crate) mod path;
pub(crate) mod pid;
pub(crate) mod proc_node;
pub(crate) mod server;
pub(crate) mod superblock;
pub(crate) mod task;
pub(crate) mod user_namespace;
