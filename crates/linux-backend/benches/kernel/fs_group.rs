//! fsGroup of a volume: of many files, and ever deeper.

use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use mountwright_core::Location;
use mountwright_core::kubernetes::fs_group::{FsGroupOutcome, FsGroupRequest};
use mountwright_core::spec::{FsGroup, FsGroupChangePolicy};
use mountwright_linux::LinuxBackend;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, StatxFlags};

use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made};

const FILES: usize = 1_000;
/// A file as fsGroup leaves it: then only its group changes.
const MODE: u32 = 0o664;

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    if !report.wants_area("fsGroup") {
        return;
    }
    let world = &worlds[0];
    world.namespace.enter();
    let backend = &world.backend;
    let volume = made(Path::new(STAGE).join("fs-group")).expect("the stage is ours");
    for file in 0..FILES {
        std::fs::write(volume.join(file.to_string()), "").expect("the stage is ours");
    }
    let (mut ours, mut raw) = (Turn::default(), Turn::default());
    apply(backend, &volume, 0);
    Group::new(format!("fsGroup of {FILES} files"))
        .variant("all change", || apply(backend, &volume, ours.next()))
        .variant("the calls alone", || each_file(&volume, raw.next()))
        .variant_after("none changes", || apply(backend, &volume, 1), || apply(backend, &volume, 1))
        .times("all change", "the calls alone")
        .run(report);
    let [shallow, deep] = [800, 8_000].map(|levels| made_deep(&Path::new(STAGE).join(levels.to_string()), levels));
    let mut turns = [Turn::default(), Turn::default()];
    let [of_shallow, of_deep] = &mut turns;
    Group::new("fsGroup of directories in each other")
        .variant("800 levels", || apply(backend, &shallow, of_shallow.next()))
        .variant("8,000 levels", || apply(backend, &deep, of_deep.next()))
        .at_most_times("8,000 levels", "800 levels", 12.0)
        .run(report);
}

/// Two groups in turn, so that there is always something to change.
#[derive(Default)]
struct Turn(u32);

impl Turn {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        2 + self.0 % 2
    }
}

fn apply(backend: &LinuxBackend, volume: &Path, gid: u32) {
    let request = FsGroupRequest::new(FsGroup { gid, policy: FsGroupChangePolicy::Always });
    let outcome = request.apply(backend, &Location::trusted(volume), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(outcome, Ok(FsGroupOutcome::Applied(_))), "{outcome:?}");
}

/// Pin, look, owner, close, for each file: without the question about capabilities.
fn each_file(volume: &Path, gid: u32) {
    let directory = open(CWD, volume, OFlags::DIRECTORY);
    for name in std::fs::read_dir(volume).expect("readable") {
        let name = name.expect("readable").file_name();
        let file = open(&directory, Path::new(&name), OFlags::PATH | OFlags::NOFOLLOW);
        let found = rustix::fs::statx(&file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).expect("it is there");
        assert_eq!(u32::from(found.stx_mode) & 0o7777, MODE);
        rustix::fs::chownat(&file, c"", None, Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH).expect("root may");
    }
}

fn open(above: impl std::os::fd::AsFd, name: &Path, flags: OFlags) -> OwnedFd {
    rustix::fs::openat(above, name, flags | OFlags::CLOEXEC, Mode::empty()).expect("it is there")
}

/// As many directories in each other, each with a neighbour that is entered on the way back up.
fn made_deep(top: &Path, levels: usize) -> PathBuf {
    let mut here = open(CWD, &made(top.to_path_buf()).expect("the stage is ours"), OFlags::DIRECTORY);
    for _ in 0..levels {
        for name in ["a", "d"] {
            rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o755)).expect("the stage is ours");
        }
        here = open(&here, Path::new("d"), OFlags::DIRECTORY);
    }
    top.to_path_buf()
}
