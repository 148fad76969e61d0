//! What the tests and examples of mountwright share.

pub mod interposed;
pub mod model_kernel;
