//! The host of the story.

mod fake;
mod linux;

pub(crate) use fake::fake_host;
pub(crate) use linux::{CannotBuild, linux_host};

use mountwright_core::Backend;

use super::unbuilt::Unbuilt;

/// A host, and the paths that could not be built on it.
pub(crate) struct Host {
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) unbuilt: Unbuilt,
    /// A description for the heading
    pub(crate) description: String,
}
