//! Scenarios on the in-memory model, through its syscall face.
//!
//! Each namespace of a scenario is a process of the modelled machine, as it is on the kernel; the machine's own root, an
//! empty tmpfs, is the sandbox.

mod calls;
mod fake_world;
mod outlook;
mod play_on_fake;
mod questions;

pub use fake_world::FakeWorld;
pub use outlook::{Entry, EntryKind};
pub use play_on_fake::play_on_fake;
