//! What a test can do to the calls at the ports: let them fail, act between them, end the process, read what was called.

pub(crate) mod failure;
pub(crate) mod journal;
pub(crate) mod plan;
