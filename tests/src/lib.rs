//! What the tests and examples of mountwright share.

pub mod fake_runner;
pub mod kernel_runner;
pub mod scenario;
