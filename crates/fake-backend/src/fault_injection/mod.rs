//! The port calls of a [`FakeBackend`](crate::FakeBackend), and what a test can do to them: let them fail, act between
//! them, end the process, read what was called.

mod directory;
mod entries;
pub(crate) mod failure;
mod filesystem;
pub(crate) mod journal;
mod mounter;
mod open_entry;
pub(crate) mod plan;
