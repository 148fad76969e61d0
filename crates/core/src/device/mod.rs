//! Devices behind paths and mounts.

pub(crate) mod backing;
pub(crate) mod backing_device;
pub(crate) mod device_for_path;
pub(crate) mod host_device;
pub(crate) mod kind_and_device;
pub(crate) mod mount_at;
pub(crate) mod path_device;
pub(crate) mod sysfs;
pub(crate) mod within_root;

pub use backing::BackingDevice;
pub use path_device::PathDevice;
pub use sysfs::{SYSFS_ROOT, Sysfs};
