//! Files and directories below an open directory: created, replaced, read, and their metadata.

pub(crate) mod create;
pub(crate) mod entries;
pub(crate) mod metadata;
pub(crate) mod nodes;
pub(crate) mod replace;
pub(crate) mod temp_name;
