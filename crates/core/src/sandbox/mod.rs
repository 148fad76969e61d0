//! Set-up and tear-down of a sandbox.

pub(crate) mod record;
pub(crate) mod setup;
pub(crate) mod setup_run;
pub(crate) mod setup_step;
pub(crate) mod teardown;
pub(crate) mod teardown_report;
pub(crate) mod teardown_run;
pub(crate) mod teardown_step;
