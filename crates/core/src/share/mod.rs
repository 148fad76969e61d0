//! Shares of a sandbox: creation, repetition, records, removal.

pub(crate) mod calls;
pub(crate) mod ensure;
pub(crate) mod ensured;
pub(crate) mod expected_mount;
pub(crate) mod found_again;
pub(crate) mod layout;
pub(crate) mod record;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod unshare;
pub(crate) mod unshare_recorded;

pub use calls::{share_rootfs, share_snapshot_dir, share_volume};
pub use ensure::ensure_share;
pub use ensured::Ensured;
pub use found_again::{FoundAgain, RecordDifference};
pub use layout::{LOWER_DIR, ROOTFS_DIR, SANDBOX_MOUNTS_DIR, SNAPSHOT_DIR, UPPER_DIR, WORK_DIR};
pub use record::ShareRecord;
pub use request::Share;
pub use run::Sharing;
pub use step::ShareStep;
pub use unshare::{unshare_rootfs, unshare_snapshot_dir, unshare_volume};
pub use unshare_recorded::unshare_recorded;
