//! The sequences of core, on each backend.

pub(super) mod bind_sequences;
pub(super) mod core_questions;
pub(super) mod recoveries;
pub(super) mod sandboxes;
pub(super) mod shares;
