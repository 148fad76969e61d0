//! The system calls of the backend, as a trait between the sequences and the kernel. Above the trait: retries, failures
//! and the set of calls that a kernel has.

pub mod abi;
pub(crate) mod call;
mod dirent;
pub(crate) mod dirents;
pub(crate) mod failure;
pub(crate) mod fsconfig;
pub(crate) mod id_map_lines;
mod kernel;
pub(crate) mod mount_attr;
pub(crate) mod path_arg;
pub(crate) mod retry;
pub(crate) mod statmount;
pub(crate) mod statx;
pub(crate) mod syscall_set;

pub use call::Call;
pub use dirent::RawEntry;
pub use dirents::RawEntries;
pub use fsconfig::Config;
pub use kernel::Kernel;
pub use mount_attr::MountAttr;
pub use path_arg::{At, Reach};
pub use statmount::MountStat;
pub use statx::Stat;
