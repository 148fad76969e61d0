//! Giving a volume's files the group that a pod asks for.

pub(crate) mod apply;
mod descent;
mod group_change;
#[cfg(test)]
mod moved_tests;
pub(crate) mod outcome;
mod pinned;
pub(crate) mod request;
#[cfg(test)]
mod tests;
