//! Floor 3: questions. They look through the ports and change nothing.

mod atomic_writer;
pub(crate) mod backing_device;
pub(crate) mod block_device;
pub(crate) mod count_files;
pub(crate) mod device_for_path;
pub(crate) mod empty_dir_medium;
pub(crate) mod file_walk;
pub(crate) mod host_device;
pub(crate) mod mount_at;
#[cfg(test)]
mod small_world;
pub(crate) mod watchability;
