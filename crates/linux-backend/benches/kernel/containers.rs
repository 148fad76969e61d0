//! A sandbox with ever more containers: set up, each rootfs shared, all of it torn down, or reaped as after a crash.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::recovery::Recovery;
use mountwright_core::sandbox::{IfNotShared, SandboxSetup, set_up_sandbox, tear_down_container, tear_down_sandbox};
use mountwright_core::share::{Share, ShareRecord};
use mountwright_core::unmount::UnmountStrategy;
use mountwright_core::{ContainerId, Location};
use mountwright_linux::LinuxBackend;

use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made};

const MOUNTS: &str = "/mnt/pod/mounts";
const SHARED: &str = "/mnt/pod/shared";
const ROOTFS: &str = "/mnt/image/rootfs";

/// The order in which the containers are torn down.
#[derive(Clone, Copy)]
enum Way {
    /// All with the sandbox, in one detach.
    Together,
    /// One after the other, and then the sandbox.
    EachAlone,
    /// By what is found in the mount table, as after a crash.
    Reaped,
}

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    for name in ["pod/mounts", "pod/shared", "image/rootfs"] {
        made(Path::new(STAGE).join(name)).expect("the stage is ours");
    }
    let [world, ..] = worlds else { return };
    world.namespace.enter();
    let backend = &world.backend;
    for (way, words) in
        [(Way::Together, "gone together"), (Way::EachAlone, "gone one by one"), (Way::Reaped, "reaped after a crash")]
    {
        // Ten times as many containers: ten times as long, give or take a fifth.
        Group::new(format!("a sandbox of containers, {words}"))
            .variant("100 containers", || sandbox(backend, 100, way))
            .variant("200 containers", || sandbox(backend, 200, way))
            .variant("400 containers", || sandbox(backend, 400, way))
            .variant("1,000 containers", || sandbox(backend, 1000, way))
            .times("200 containers", "100 containers")
            .times("400 containers", "100 containers")
            .at_most_times("1,000 containers", "100 containers", 12.0)
            .run(report);
    }
}

fn sandbox(backend: &LinuxBackend, containers: usize, way: Way) {
    let setup = SandboxSetup::new(MOUNTS, SHARED).expect("two paths").unshared(IfNotShared::MakeShared);
    let dirs = set_up_sandbox(backend, backend, &setup).expect("set up");
    let mut shares: Vec<_> = (0..containers).map(|number| shared(backend, number)).collect();
    if let Way::Reaped = way {
        let report = Recovery::new(MOUNTS, SHARED).expect("two paths").reap(backend, backend).expect("a table");
        assert!(report.is_clean(), "{report}");
        return;
    }
    if let Way::EachAlone = way {
        for share in shares.drain(..) {
            let report = tear_down_container(backend, backend, Utf8Path::new(MOUNTS), &[share], UnmountStrategy::Lazy);
            assert!(report.is_clean(), "{report}");
        }
    }
    let report = tear_down_sandbox(backend, backend, &dirs, &shares, UnmountStrategy::Lazy);
    assert!(report.is_clean(), "{report}");
}

fn shared(backend: &LinuxBackend, number: usize) -> ShareRecord {
    let id = ContainerId::new(format!("c{number}")).expect("an id");
    let rootfs = Share::rootfs(MOUNTS, &id, Location::trusted(ROOTFS)).expect("a share");
    rootfs.create(backend, backend).expect("shared")
}
