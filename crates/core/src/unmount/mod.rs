//! Removal of mounts and of the names they were on: the one engine of every removal.

pub(crate) mod exact;
pub(crate) mod placeholder;
pub(crate) mod record_state;
pub(crate) mod removal;
pub(crate) mod report;
pub(crate) mod stack;
pub(crate) mod strategy;
pub(crate) mod unproven_mount;

pub use record_state::{Proof, RecordState, StaleReason};
pub use removal::{NameAfter, Refusal, Removal};
pub use report::{Report, ReportedMount};
pub use strategy::UnmountStrategy;
pub use unproven_mount::{UnprovenMount, UnprovenReason};
