//! The contract of the ports, and of core's sequences over them, as cases that every backend passes.
//!
//! * [`cases()`] is the one list. A case is a sentence and a function of a [`World`]; it cannot distinguish worlds, so
//!   a case for one backend alone cannot be written.
//! * A [`World`] is a backend on a fresh machine, and the means to set the machine up and to look at it *past* the backend: on
//!   the kernel raw system calls, on the model its syscall face.
//! * A call that is refused must leave everything as it was: files, mounts, open descriptors. Every case that expects a
//!   refusal checks that.
//!
//! A third-party backend runs through it in one of three ways:
//!
//! * On the kernel: [`play_on_kernel`] makes a fresh mount namespace and root for each case and asks for the backend there.
//!   [`namespace::enter`](crate::namespace::enter) comes first, before the first thread.
//! * On the fake's model: [`play_on_model`], for a backend over the fake or over its syscall face.
//! * Anywhere else: by a [`World`] of one's own, and [`Case::run`] on a fresh one for each case.
//!
//! ```
//! use std::sync::Arc;
//!
//! use mountwright_core::Backend;
//! use mountwright_fake::FakeBackend;
//! use mountwright_tests::contract::{cases, play_on_model};
//!
//! // Any backend would do.
//! let played = cases().map(|(area, case)| {
//!     play_on_model(case, |machine, process| {
//!         let backend: Arc<dyn Backend> = Arc::new(FakeBackend::over(machine.shared(), process));
//!         (backend, true) // It has a call that changes the attributes of a tree as one.
//!     });
//!     println!("holds: {area}: {}", case.rule());
//! });
//! assert!(played.count() > 200);
//! ```

mod case;
mod cases;
mod kernel_world;
mod model_world;
mod observed;
mod scene;
mod world;
mod world_by_calls;

pub use case::{Case, Needs};
pub use cases::{cases, root_cases};
pub use kernel_world::{KernelWorld, can_play_on_kernel, in_fresh_root, play_on_kernel, play_roots_on_kernel};
pub use model_world::{ModelWorld, play_on_model, play_roots_on_model};
pub use world::{Held, Serving, World};
