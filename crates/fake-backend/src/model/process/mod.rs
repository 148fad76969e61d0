//! Processes: credentials, user namespaces, descriptors.

pub(crate) mod credentials;
pub(crate) mod open_file;
pub(crate) mod pid;
pub(crate) mod task;
pub(crate) mod user_namespace;
