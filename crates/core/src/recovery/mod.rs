//! Recovery of what a runtime left that died.

pub(crate) mod empty_placeholders;
pub(crate) mod orphan;
pub(crate) mod ownership;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod unproven_mount;

pub use orphan::{Orphan, OrphanRole, Orphans};
pub use report::{ReapReport, Unreaped};
pub use request::Recovery;
pub(crate) use step::ReapStep;
pub use unproven_mount::{UnprovenMount, UnprovenReason};
