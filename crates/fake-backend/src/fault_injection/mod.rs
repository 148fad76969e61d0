//! Port calls under a test's control: injected failures, hooks between calls, the end of the process, the journal of a
//! [`FakeBackend`](crate::FakeBackend); and anything around the calls of any backend
//! ([`Hooked`](crate::test_kit::Hooked)).

pub(crate) mod control;
pub(crate) mod directory;
mod entries;
pub(crate) mod failure;
pub(crate) mod journal;
mod open_entry;
pub(crate) mod plan;
pub(crate) mod ports;
pub(crate) mod tree;
pub(crate) mod words;
