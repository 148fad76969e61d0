//! What the tests and examples of mountwright share.

pub mod kernel_runner;
pub mod scenario;
