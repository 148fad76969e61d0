//! Volumes that are replaced while they are read, on the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::kubernetes::atomic_writer::{
    AtomicVolume, AtomicVolumeError, AtomicVolumeLimits, read_atomic_volume,
};

use crate::Case;
use crate::scene::{Ending, Scene};

pub(crate) const CASES: &[Case] = &[
    ("atomic volume: one version and the whole of it, while an older kubelet swaps", links_first),
    ("atomic volume: one version and the whole of it, while a newer kubelet swaps", links_last),
    ("atomic volume: a link out of the volume is not followed", outside),
];

fn links_first(scene: &Scene) {
    swaps(scene, Links::First);
}

fn links_last(scene: &Scene) {
    swaps(scene, Links::Last);
}

/// The number of versions that a reader has to see.
const VERSIONS: usize = 100;

/// The moment at which the links are made that containers use.
#[derive(Clone, Copy, PartialEq)]
enum Links {
    First,
    Last,
}

/// Returns the files of version `number`: every file holds the number, and one file is in this version alone.
fn files(number: u32) -> Vec<String> {
    vec!["config".to_owned(), "nested/deep/key".to_owned(), format!("only-{number}")]
}

/// One swap, as the kubelet makes it.
fn swap(scene: &Scene, number: u32, links: Links) {
    let version = format!("v/..2026_11_23_{number}");
    for file in files(number) {
        scene.file(&format!("{version}/{file}"), 0o644, number.to_string().as_bytes());
    }
    let link = || {
        for name in ["config".to_owned(), "nested".to_owned(), format!("only-{number}")] {
            if fs::symlink_metadata(scene.path(&format!("v/{name}"))).is_err() {
                scene.symlink(&format!("v/{name}"), format!("..data/{name}"));
            }
        }
    };
    if links == Links::First {
        link();
    }
    scene.symlink("v/..data_tmp", format!("..2026_11_23_{number}"));
    fs::rename(scene.path("v/..data_tmp"), scene.path("v/..data")).expect("the link is replaced");
    if links == Links::Last {
        link();
    }
    if let Some(old) = number.checked_sub(1) {
        fs::remove_file(scene.path(&format!("v/only-{old}"))).expect("the old link goes");
        let old = scene.path(&format!("v/..2026_11_23_{old}"));
        // Its files one by one: the names are known, and no directory is listed for the removal.
        for file in files(number - 1) {
            fs::remove_file(old.join(file)).expect("an old file goes");
        }
        for directory in ["nested/deep", "nested", ""] {
            fs::remove_dir(old.join(directory)).expect("an old directory goes");
        }
    }
}

fn read(scene: &Scene) -> Result<AtomicVolume, AtomicVolumeError> {
    read_atomic_volume(&scene.backend, &scene.location("v"), &AtomicVolumeLimits::default())
}

fn swaps(scene: &Scene, links: Links) {
    scene.directory("v", 0o777);
    assert!(matches!(read(scene), Err(AtomicVolumeError::NotWritten { .. })));
    swap(scene, 0, links);
    let enough = AtomicBool::new(false);
    let last = std::thread::scope(|threads| {
        let kubelet = threads.spawn(|| {
            let mut number = 0;
            while !enough.load(Ordering::Relaxed) {
                number += 1;
                swap(scene, number, links);
            }
            number
        });
        let ending = Ending(&enough);
        let mut seen = BTreeSet::new();
        while seen.len() < VERSIONS && !kubelet.is_finished() {
            let volume = match read(scene) {
                Ok(volume) => volume,
                Err(AtomicVolumeError::Unsettled { .. }) => continue,
                Err(error) => panic!("{error}"),
            };
            let name = volume.generation.to_string();
            let number: u32 = name.rsplit('_').next().and_then(|digits| digits.parse().ok()).expect("it has a number");
            let found: Vec<_> = volume.files.iter().map(|file| file.path.as_path().display().to_string()).collect();
            assert_eq!(found, files(number));
            assert!(volume.files.iter().all(|file| file.bytes == number.to_string().as_bytes()));
            seen.insert(number);
        }
        drop(ending);
        kubelet.join().expect("the kubelet swaps to the end")
    });
    assert_eq!(read(scene).expect("it is at rest").generation.to_string(), format!("..2026_11_23_{last}"));
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
