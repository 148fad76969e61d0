//! A volume with a link out of it, on the kernel.

use std::fs;

use mountwright_core::kubernetes::atomic_writer::{AtomicVolume, AtomicVolumeError, AtomicVolumeLimits};

use crate::Case;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[("atomic volume: a link out of the volume is not followed", outside)];

fn read(scene: &Scene) -> Result<AtomicVolume, AtomicVolumeError> {
    AtomicVolume::read(&scene.backend, &scene.location("v"), &AtomicVolumeLimits::default())
}

fn outside(scene: &Scene) {
    scene.file("secrets/key", 0o600, b"secret");
    scene.directory("v", 0o755);
    scene.symlink("v/..data", scene.path("secrets"));
    assert!(matches!(read(scene), Err(AtomicVolumeError::OtherLayout { .. })));
    fs::remove_file(scene.path("v/..data")).expect("the link goes");
    scene.symlink("v/..1", scene.path("secrets"));
    scene.symlink("v/..data", "..1");
    assert!(matches!(read(scene), Err(AtomicVolumeError::OtherLayout { .. })));
}
