//! Recovery of what a runtime left that died.

pub(crate) mod empty_placeholders;
pub(crate) mod orphan;
pub(crate) mod ownership;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod step;

pub use orphan::{Orphan, OrphanRole, Orphans};
pub use request::Recovery;
pub(crate) use step::ReapStep;
