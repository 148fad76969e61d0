//! Ways to do one thing, measured turn about in one process.
//!
//! What is claimed of this library's speed are ratios: to the system calls that are the floor, and to what others do. A
//! machine is faster now than a second ago, and more so one that others work on: two medians taken one after the other
//! differ by that, and a ratio of them says more about the neighbours than about the code. So the variants of a [`Group`]
//! take turns, a short batch each, in a new order each round, and what slows one slows all.
//!
//! Shared by the benches of all crates (`#[path]`), since a package of its own would be one more to publish.
#![allow(clippy::disallowed_methods)] // A bench looks at the clock and at its arguments; the crates may not.
#![allow(dead_code)] // Each bench uses a part of it.

mod claim;
mod group;
mod report;

pub(crate) use group::Group;
pub(crate) use report::Report;
