//! Strategies for property tests with proptest (feature `proptest`).
//!
//! Everything comes from a small alphabet: two random paths are often equal, or one is below the other, which is where
//! mount code fails. Every value shrinks.
//!
//! * Values: `any::<T>()` of [`ContainerId`](crate::ContainerId), [`RelativePath`](crate::RelativePath),
//!   [`MountInfo`](crate::MountInfo), [`Mount`](crate::spec::Mount) and [`Step`].
//! * Texts: [`path`], [`odd_path`], [`option_list`]; with the feature `oci-spec` `runtime_mount`.
//! * Histories: [`history`]; [`Step::perform`] runs a step on any backend. `mountwright_fake::strategies` has hosts to
//!   play them on.
//!
//! ```
//! use mountwright_core::strategies;
//! use mountwright_core::path::clean_path;
//! use proptest::prelude::*;
//!
//! proptest!(|(path in strategies::odd_path())| {
//!     let clean = clean_path(&path).into_owned();
//!     prop_assert_eq!(clean_path(&clean), &*clean);
//! });
//! ```
// The `expect`s hold for every text of the alphabet.
#![allow(clippy::missing_panics_doc)]

mod arbitrary;
mod histories;
mod mounts;
mod options;
mod paths;
#[cfg(feature = "oci-spec")]
mod runtime_mounts;

pub use histories::{Step, history};
pub use options::option_list;
#[cfg(test)]
pub(crate) use options::option_word;
pub(crate) use paths::{name, relative_path};
pub use paths::{odd_path, path};
#[cfg(feature = "oci-spec")]
pub use runtime_mounts::runtime_mount;
