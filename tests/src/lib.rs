//! What the tests and examples of mountwright share.

pub mod contract;
pub mod interposed;
pub mod kernel_required;
pub mod model_kernel;
pub mod namespace;
