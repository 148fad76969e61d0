//! The port calls of a [`FakeBackend`](crate::FakeBackend) under a test's control: injected failures, hooks between
//! calls, the end of the process, the journal.

mod directory;
mod entries;
pub(crate) mod failure;
mod filesystem;
pub(crate) mod journal;
mod mounter;
mod open_entry;
pub(crate) mod plan;
