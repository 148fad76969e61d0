//! Scenarios on the Linux kernel, by raw system calls, in namespaces of their own.
//!
//! * [`Stage::enter`] takes the process (of one thread) into a mount namespace of its own whose root is an empty tmpfs. Where
//!   that is not allowed it tries a user namespace first, and otherwise says why not.
//! * [`KernelWorld`] is one sandbox on that stage: a fresh tmpfs in a fresh mount namespace, made its real root with
//!   `pivot_root(2)`, the old root detached. No `..` and no symlink leads out.
//! * Namespace 0 of a scenario is the process itself; every further one is a helper process, because a user namespace can be
//!   joined by a process of one thread only. Helpers die with the process, and with them their namespaces: nothing is left behind
//!   however the process ends.
//! * There is no `/proc` in the sandbox. A descriptor of the outer one serves for `/proc/self/fd/N/…` and for the tables.

mod credentials;
mod descriptors;
mod helper;
mod kernel_world;
mod mountinfo;
mod performer;
mod play_on_kernel;
mod questions;
mod raw_calls;
mod stage;

pub use kernel_world::KernelWorld;
pub use play_on_kernel::play_on_kernel;
pub use stage::Stage;
