//! What the tests and examples of mountwright share.
