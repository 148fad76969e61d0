//! Ports: the traits through which core reads and changes files and mounts.

pub(crate) mod backend;
pub(crate) mod detached_tree;
pub(crate) mod directory;
pub(crate) mod directory_entries;
pub(crate) mod filesystem;
mod forward;
pub(crate) mod mounter;
pub(crate) mod open_entry;
pub(crate) mod process_root;
pub(crate) mod without_waiting;

pub use backend::{Backend, Ports};
pub use detached_tree::DetachedTree;
#[cfg(any(test, feature = "mock"))]
pub use detached_tree::MockDetachedTree;
pub use directory::Directory;
#[cfg(any(test, feature = "mock"))]
pub use directory::MockDirectory;
pub use directory_entries::{DirectoryEntries, LendEntries};
pub use filesystem::Filesystem;
#[cfg(any(test, feature = "mock"))]
pub use filesystem::MockFilesystem;
#[cfg(any(test, feature = "mock"))]
pub use mounter::MockMounter;
pub use mounter::Mounter;
#[cfg(any(test, feature = "mock"))]
pub use open_entry::MockOpenEntry;
pub use open_entry::OpenEntry;
#[cfg(any(test, feature = "mock"))]
pub use process_root::MockProcessRoot;
pub use process_root::ProcessRoot;
pub use without_waiting::WithoutWaiting;
