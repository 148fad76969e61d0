//! The root filesystem of a container as one value, made from an OCI `config.json`.
//!
//! [`RuntimeConfig`] holds the text, [`RootfsPlan`] is made from it: the steps that build the root in their order, and those
//! that follow once the process has entered it. A plan is printed, stored and compared before anything is changed, and
//! [`RootfsPlan::build`] builds it on any backend.

pub(crate) mod bad_config;
pub(crate) mod build;
#[cfg(test)]
mod cases;
pub(crate) mod cgroups;
pub(crate) mod config;
pub(crate) mod cover;
pub(crate) mod creates;
pub(crate) mod dev;
pub(crate) mod devices;
pub(crate) mod difference;
pub(crate) mod fields;
pub(crate) mod identities;
pub(crate) mod invalid;
pub(crate) mod layered_root;
pub(crate) mod linux;
pub(crate) mod mounts;
pub(crate) mod options;
mod owner_map;
pub(crate) mod perform;
pub(crate) mod place;
pub(crate) mod places;
pub(crate) mod plan;
pub(crate) mod reading;
pub(crate) mod step;
pub(crate) mod step_text;

pub use bad_config::BadConfig;
pub use build::RootfsReport;
pub use config::RuntimeConfig;
pub use creates::Creation;
pub use plan::RootfsPlan;
