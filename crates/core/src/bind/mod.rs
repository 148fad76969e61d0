//! Binds of shares and sandboxes.

pub(crate) mod in_span;
