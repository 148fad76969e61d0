//! Strategies for property tests with proptest (feature `proptest`).
//!
//! Everything comes from a small alphabet: two random paths are often equal, or one is below the other, which is where
//! mount code fails. Every value shrinks.
//!
//! * Values: `any::<T>()` of [`ContainerId`](crate::ContainerId), [`RelativePath`](crate::RelativePath),
//!   [`MountInfo`](crate::MountInfo), [`Mount`](crate::spec::Mount) and [`Step`].
//! * Paths: [`path`].
//! * Histories: [`history`]; [`Step::perform`] runs a step on any backend. `mountwright_fake::strategies` has hosts to
//!   play them on.
//!
//! ```
//! use mountwright_core::MountInfo;
//! use proptest::prelude::*;
//!
//! proptest!(|(mount in any::<MountInfo>())| {
//!     prop_assert_eq!(MountInfo::from_line(&mount.to_line()).unwrap(), mount);
//! });
//! ```
// The `expect`s hold for every text of the alphabet.
#![allow(clippy::missing_panics_doc)]

mod arbitrary;
mod histories;
mod mounts;
mod options;
mod paths;
#[cfg(all(test, feature = "oci-spec"))]
mod runtime_mounts;

pub use histories::{Step, history};
pub(crate) use options::option_list;
#[cfg(test)]
pub(crate) use options::option_word;
pub use paths::path;
pub(crate) use paths::{name, relative_path};
#[cfg(all(test, feature = "oci-spec"))]
pub(crate) use runtime_mounts::runtime_mount;
