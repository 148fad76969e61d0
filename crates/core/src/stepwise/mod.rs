//! Sequences that are run step by step.

pub(crate) mod attempts;
pub(crate) mod driver;
pub(crate) mod leftovers;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod sequence;

pub use plan::Plan;
pub use run::Run;
