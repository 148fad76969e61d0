//! A sandbox with ever more containers: set up, each rootfs shared, all of it torn down, or reaped as after a crash.
//! And the recovery alone, in both layouts.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::recovery::Recovery;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Share, ShareRecord};
use mountwright_core::{ContainerId, Location};
use mountwright_linux::LinuxBackend;
use rustix::mount::MountPropagationFlags;

use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made, tmpfs};

/// The sandbox's directory on a private mount: the set-up binds its mounts directory onto itself, shared.
const POD: &str = "/mnt/pod";
/// The sandbox's directory on a mount that was shared before.
const SHARED_POD: &str = "/mnt/shared-pod";
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
    made(Path::new(STAGE).join("image/rootfs")).expect("the stage is ours");
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
    tmpfs(&made(SHARED_POD.into()).expect("the stage is ours")).expect("a tmpfs");
    rustix::mount::mount_change(SHARED_POD, MountPropagationFlags::SHARED).expect("shared");
    for (pod, words) in [(POD, "that the set-up makes shared"), (SHARED_POD, "on a shared mount")] {
        let recovery = Recovery::new(format!("{pod}/mounts"), format!("{pod}/shared")).expect("two paths");
        Group::new(format!("recovery alone, of a mounts directory {words}"))
            .variant_with("500 containers", || drop(started(backend, pod, 500)), |()| reaped(backend, &recovery))
            .variant_with("5,000 containers", || drop(started(backend, pod, 5_000)), |()| reaped(backend, &recovery))
            .at_most_times("5,000 containers", "500 containers", 12.0)
            .run(report);
    }
}

fn sandbox(backend: &LinuxBackend, containers: usize, way: Way) {
    let (dirs, mut shares) = started(backend, POD, containers);
    if let Way::Reaped = way {
        reaped(backend, &Recovery::new(dirs.mounts_dir, dirs.shared_dir).expect("two paths"));
        return;
    }
    if let Way::EachAlone = way {
        for share in shares.drain(..) {
            let report = TearDown::container(&dirs.mounts_dir, &[share]).run(backend);
            assert!(report.is_clean(), "{report}");
        }
    }
    let report = TearDown::sandbox(&dirs, &shares).run(backend);
    assert!(report.is_clean(), "{report}");
}

/// A sandbox whose containers share a rootfs each.
fn started(backend: &LinuxBackend, pod: &str, containers: usize) -> (SandboxDirs, Vec<ShareRecord>) {
    let setup = SandboxSetup::new(format!("{pod}/mounts"), format!("{pod}/shared")).expect("two paths");
    let dirs = setup.unshared(IfNotShared::MakeShared).run(backend).expect("set up");
    let shares = (0..containers).map(|number| shared(backend, &dirs.mounts_dir, number)).collect();
    (dirs, shares)
}

fn reaped(backend: &LinuxBackend, recovery: &Recovery) {
    let report = recovery.reap(backend).expect("a table");
    assert!(report.is_clean(), "{report}");
}

fn shared(backend: &LinuxBackend, mounts: &Utf8Path, number: usize) -> ShareRecord {
    let id = ContainerId::new(format!("c{number}")).expect("an id");
    let rootfs = Share::rootfs(mounts, &id, Location::trusted(ROOTFS)).expect("a share");
    rootfs.create(backend).expect("shared")
}
