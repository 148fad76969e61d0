//! Hosts to test on: from a captured mountinfo, from a short text, with planted files.

mod assembled_propagation;
mod assembly;
mod attribute_flags;
mod contradictions;
mod description;
pub(crate) mod host_builder;
pub(crate) mod host_error;
pub(crate) mod plant;
mod row;
