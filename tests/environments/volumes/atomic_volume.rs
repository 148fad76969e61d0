//! A volume with a link out of it, on the kernel.

use std::fs;

use mountwright_core::kubernetes::atomic_writer::{AtomicVolume, AtomicVolumeError, AtomicVolumeLimits};
use mountwright_tests::machine::furnish;

use crate::Case;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[("atomic volume: a link out of the volume is not followed", outside)];

fn read(scene: &Scene) -> Result<AtomicVolume, AtomicVolumeError> {
    AtomicVolume::read(&scene.backend, &scene.location("v"), &AtomicVolumeLimits::default())
}

fn outside(scene: &Scene) {
    furnish("file:600 secrets/key secret; dir v");
    furnish(&format!("link {} v/..data", scene.path("secrets").display()));
    assert!(matches!(read(scene), Err(AtomicVolumeError::OtherLayout { .. })));
    fs::remove_file(scene.path("v/..data")).expect("the link goes");
    furnish(&format!("link {} v/..1", scene.path("secrets").display()));
    furnish("link ..1 v/..data");
    assert!(matches!(read(scene), Err(AtomicVolumeError::OtherLayout { .. })));
}
