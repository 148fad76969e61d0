//! Removal of mounts and of the names they were on.

pub(crate) mod exact;
pub(crate) mod outcome;
pub(crate) mod placeholder;
pub(crate) mod record_state;
pub(crate) mod stack;
pub(crate) mod unshare_outcome;

pub use outcome::TearDownOutcome;
pub use record_state::{Proof, RecordState, StaleReason};
pub use stack::UnmountStrategy;
pub use unshare_outcome::{NameAfter, UnshareOutcome};
