//! What the tests and examples of mountwright share.

pub mod contract;
pub mod kernel_required;
pub mod namespace;
