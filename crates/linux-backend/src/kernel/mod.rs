//! The system calls that the backend makes, as a trait: the seam between the sequences and the kernel.

pub(crate) mod at;
pub(crate) mod call;
pub(crate) mod config;
mod kernel_trait;
pub(crate) mod mount_attr;
pub(crate) mod mount_stat;
pub(crate) mod raw_entries;
mod raw_entry;
pub(crate) mod stat;

pub use at::{At, Reach};
pub use call::Call;
pub use config::Config;
pub use kernel_trait::Kernel;
pub use mount_attr::MountAttr;
pub use mount_stat::MountStat;
pub use raw_entries::RawEntries;
pub use raw_entry::RawEntry;
pub use stat::Stat;
