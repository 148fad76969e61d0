//! The contract of the ports, and what core makes of them, as cases that every backend passes.
//!
//! * [`cases()`] is the one list. A case is a sentence and a function of a [`World`]; it cannot tell one world from another,
//!   so a case for one backend alone cannot be written.
//! * A [`World`] is a backend on a fresh machine, and the means to set the machine up and to look at it *past* the backend: on
//!   the kernel raw system calls, on the model its syscall face.
//! * A call that is refused must leave everything as it was: files, mounts, open descriptors. Every case that expects a
//!   refusal checks that.

mod case;
mod cases;
mod kernel_world;
mod model_world;
mod observed;
mod scene;
mod world;

pub use case::{Case, Needs};
pub use cases::cases;
pub use kernel_world::{KernelWorld, can_play_on_kernel, in_fresh_root, in_kernel_world, play_on_kernel};
pub use model_world::{ModelWorld, in_model_world, play_on_model};
pub use world::{Held, Hold, NodeKind, World};
