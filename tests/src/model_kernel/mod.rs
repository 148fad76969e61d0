//! The system calls of the Linux backend, made on the fake's model: the very sequences that run on Linux run on it, without
//! root, and where the model's owner can stop the world between any two calls.

mod kernel;
mod model_fd;
mod open_flags;
mod process;

pub use model_fd::ModelFd;
pub use process::{ModelKernel, SharedMachine};
