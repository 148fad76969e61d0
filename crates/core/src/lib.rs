//! Mount logic for container runtimes, VM sandboxes, CSI drivers and node agents.
#![forbid(unsafe_code)]

mod values;

pub use values::errno::Errno;
