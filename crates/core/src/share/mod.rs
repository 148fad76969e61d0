//! Shares of a sandbox: creation, repetition, records, removal.

pub(crate) mod ensure;
pub(crate) mod ensured;
pub(crate) mod expected_mount;
pub(crate) mod found_again;
pub(crate) mod layout;
pub(crate) mod name;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod unfinished;
pub(crate) mod unshare;
pub(crate) mod unshare_recorded;

pub(crate) use ensure::ensure_share;
pub use ensured::Ensured;
pub use found_again::FoundAgain;
pub use layout::{LOWER_DIR, ROOTFS_DIR, SANDBOX_MOUNTS_DIR, SNAPSHOT_DIR, UPPER_DIR, WORK_DIR};
pub use name::ShareName;
pub use record::ShareRecord;
pub use request::Share;
pub(crate) use step::ShareStep;
