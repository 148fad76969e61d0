//! Floor 2: ports. What core asks of the world, and nothing else.

pub(crate) mod backend;
pub(crate) mod directory;
pub(crate) mod directory_entries;
pub(crate) mod filesystem;
mod forward;
pub(crate) mod mounter;
pub(crate) mod open_entry;
