//! Set-up and tear-down of a sandbox.

pub(crate) mod guest_directory;
pub(crate) mod mounts_directory;
pub(crate) mod races;
pub(crate) mod record;
pub(crate) mod setup;
pub(crate) mod setup_run;
pub(crate) mod setup_step;
pub(crate) mod teardown;
pub(crate) mod teardown_run;
pub(crate) mod teardown_step;

pub use record::{IfNotShared, SandboxDirs};
pub use setup::SandboxSetup;
pub(crate) use setup_step::SetupStep;
pub use teardown::TearDown;
pub(crate) use teardown_step::TearDownStep;
