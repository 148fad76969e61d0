//! Strategies for property tests with proptest (feature `proptest`), as functions.
//!
//! Everything comes from a small alphabet: two random paths are often equal, or one is below the other, which is where mount
//! code fails. Every value shrinks.
//!
//! * Texts: [`name`], [`path`], [`odd_path`], [`relative_path`], [`container_id`].
//! * Mounts: [`mount_info`], [`mount`], [`option_word`], [`option_list`], and with the feature `oci-spec` `runtime_mount`.
//! * Histories: [`step`] and [`history`]; [`Step::perform`] runs a step on any backend. `mountwright_fake::strategies`
//!   has hosts to play them on.
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

mod histories;
mod mounts;
mod options;
mod paths;
#[cfg(feature = "oci-spec")]
mod runtime_mounts;

pub use histories::{Step, history, step};
pub use mounts::{mount, mount_info};
pub use options::{option_list, option_word};
pub use paths::{container_id, name, odd_path, path, relative_path};
#[cfg(feature = "oci-spec")]
pub use runtime_mounts::runtime_mount;
