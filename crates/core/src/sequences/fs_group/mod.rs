//! Giving a volume's files the group that a pod asks for.

pub(crate) mod apply;
mod descent;
mod group_change;
pub(crate) mod outcome;
pub(crate) mod request;
