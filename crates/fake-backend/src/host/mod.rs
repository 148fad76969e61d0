//! Hosts to test on: from a captured mountinfo, from a short text, with planted files.

pub(crate) mod assembled_propagation;
pub(crate) mod attribute_flags;
pub(crate) mod build_machine;
pub(crate) mod host_builder;
pub(crate) mod host_error;
pub(crate) mod host_text;
pub(crate) mod mount_row;
pub(crate) mod planted_file;
pub(crate) mod validate;
