//! Processes: what each has.

pub(crate) mod open_file;
pub(crate) mod task;
