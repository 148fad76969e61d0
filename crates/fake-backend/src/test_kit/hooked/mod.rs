//! Something between any two port calls, of any backend.

mod directory;
mod filesystem;
mod mounter;
pub(crate) mod wrapper;
