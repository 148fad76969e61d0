//! Scenarios on the Linux kernel, by raw system calls, and on the in-memory model, through its syscall face.
//!
//! * Each namespace of a scenario is a process. On the model the machine's own root, an empty tmpfs, is the sandbox.
//! * [`Stage::enter`] takes the process (of one thread) into a mount namespace of its own whose root is an empty tmpfs. Where
//!   that is not allowed it tries a user namespace first, and otherwise says why not.
//! * [`play_on_kernel`] makes one sandbox on that stage: a fresh tmpfs in a fresh mount namespace, made its real root with
//!   `pivot_root(2)`, the old root detached. No `..` and no symlink leads out.
//! * Namespace 0 of a scenario is the process itself; every further one is a helper process, because a user namespace can be
//!   joined by a process of one thread only. Helpers die with the process, and with them their namespaces: nothing is left behind
//!   however the process ends.
//! * There is no `/proc` in the sandbox. A descriptor of the outer one serves for `/proc/self/fd/N/…` and for the tables.

pub mod calls;
mod credentials;
mod fake_world;
mod helper;
pub(crate) mod kernel_calls;
mod kernel_world;
pub(crate) mod model_calls;
mod outlook;
mod performer;
mod play;
mod raw_calls;
mod scenario_world;
mod stage;
mod user_namespace;

pub use fake_world::FakeWorld;
pub use outlook::{Entry, EntryKind};
pub use play::{play_on_fake, play_on_kernel};
pub use stage::Stage;
