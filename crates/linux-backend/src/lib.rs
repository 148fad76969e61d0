//! The mountwright ports on Linux.
