//! The trait of system calls on the model: the backend over it is the one that runs on Linux.

pub(crate) mod model_fd;
mod open_flags;
pub(crate) mod process_calls;
pub(crate) mod shared_machine;
mod stat_fields;
mod system_calls;
