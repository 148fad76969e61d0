//! Data of files: kind, mode, identity, metadata, device numbers.

pub(crate) mod device_number;
pub(crate) mod directory_entry;
pub(crate) mod entry_ref;
pub(crate) mod final_symlink;
pub(crate) mod identity;
pub(crate) mod kind;
pub(crate) mod magic;
pub(crate) mod metadata;
pub(crate) mod mode;
pub(crate) mod time;
