//! The ports as a thin layer on the syscall face: each port call is a short run of its system calls, and nobody acts in
//! between.

mod attach;
pub(crate) mod attribute_bits;
mod bind;
pub(crate) mod calls;
mod contents;
mod created;
mod entries;
mod exact_mode;
pub(crate) mod fault;
mod files;
mod filesystem;
mod identity;
mod lookup;
mod metadata;
mod mount_changes;
mod mounter;
mod new_mount;
mod open_directory;
mod place;
mod target;
mod unmount;
