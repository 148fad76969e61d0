//! The mountwright ports on an in-memory model of Linux mounts.
#![forbid(unsafe_code)]
