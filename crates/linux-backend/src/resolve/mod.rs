//! Paths, by descriptors: locations, resolution beneath a directory, and the identity of files.

pub(crate) mod beneath;
pub(crate) mod identity;
pub(crate) mod location;
