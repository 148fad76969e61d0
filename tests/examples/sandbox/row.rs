//! A mount of the specification, and its classification.

use std::path::Path;

use mountwright_core::Backend;
use mountwright_core::device::BackingDevice;
use mountwright_core::spec::Mount;

use super::unbuilt::Unbuilt;
use super::verdict::Verdict;

/// A mount of the specification, and its classification.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) mount: Mount,
    pub(crate) verdict: Verdict,
    /// The device behind the source; `None` if the source is not a path, or does not exist.
    pub(crate) backing: Option<BackingDevice>,
}

impl Row {
    pub(crate) fn of(backend: &dyn Backend, mount: &Mount, unbuilt: &Unbuilt) -> Self {
        let source = Path::new(&mount.source);
        let can_say = source.is_absolute() && unbuilt.reason(source).is_none();
        Self {
            verdict: Verdict::of(&backend, &backend, mount, unbuilt),
            backing: can_say.then(|| BackingDevice::of(&backend, source).ok()).flatten(),
            mount: mount.clone(),
        }
    }
}
