//! Variants of one operation, measured in turn in one process.
//!
//! The claims about this library's speed are ratios: to the system calls that are the minimum, and to other
//! implementations. The speed of a machine changes from second to second, more so on a shared one. Two medians that are
//! measured one after the other differ by that, and their ratio depends on the load more than on the code. So the
//! variants of a [`Group`] take turns: a short batch each, in a new order each round, and a slowdown affects all of
//! them.
//!
//! Shared by the benches of all crates (`#[path]`), since a package of its own would be one more to publish.
#![allow(clippy::disallowed_methods)] // A bench reads the clock and its arguments; the crates may not.
#![allow(dead_code)] // No bench uses all of it.

mod claim;
mod group;
mod report;

pub(crate) use group::Group;
pub(crate) use report::Report;
