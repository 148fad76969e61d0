//! Shares of a sandbox: creation, repetition, records, removal.

pub(crate) mod calls;
pub(crate) mod ensure;
pub(crate) mod ensured;
pub(crate) mod expected_mount;
pub(crate) mod found_again;
pub(crate) mod layout;
pub(crate) mod record;
pub(crate) mod record_state;
pub(crate) mod request;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod unshare;
pub(crate) mod unshare_recorded;
