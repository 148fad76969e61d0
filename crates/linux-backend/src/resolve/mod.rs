//! Paths, by descriptors: locations, the way beneath a directory, and the identity of what is there.

pub(crate) mod beneath;
pub(crate) mod identity;
pub(crate) mod location;
