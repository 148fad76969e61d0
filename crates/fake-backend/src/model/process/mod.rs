//! Processes and their open files.

pub(crate) mod open_file;
pub(crate) mod task;
