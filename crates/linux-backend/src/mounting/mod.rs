//! New mounts: targets, attachment, roll-back, binds, new filesystems, moves.

pub(crate) mod attach;
pub(crate) mod bind_by_mount;
pub(crate) mod bind_detached;
pub(crate) mod copy_up;
pub(crate) mod created_targets;
pub(crate) mod filesystem_context;
pub(crate) mod filesystem_options;
pub(crate) mod find_new_mount;
pub(crate) mod leave_peers;
pub(crate) mod look_again;
pub(crate) mod map_owners;
pub(crate) mod missed;
pub(crate) mod move_mount;
pub(crate) mod new_filesystem;
pub(crate) mod newcomers;
pub(crate) mod rollback;
pub(crate) mod source_is;
pub(crate) mod standing;
pub(crate) mod superblock;
pub(crate) mod target;
pub(crate) mod target_in_root;
pub(crate) mod wanted_propagation;
