//! Giving a volume's files the group that a pod asks for.

pub(crate) mod apply;
pub(crate) mod change;
#[cfg(test)]
pub(crate) mod change_tests;
pub(crate) mod descent;
#[cfg(test)]
pub(crate) mod moved_tests;
pub(crate) mod needed;
pub(crate) mod outcome;
pub(crate) mod pinned;
pub(crate) mod request;
#[cfg(test)]
pub(crate) mod tests;

pub use outcome::{FAILURES_KEPT, FsGroupError, FsGroupOutcome, FsGroupReport};
pub(crate) use request::AfterFailures;
pub use request::FsGroupRequest;
