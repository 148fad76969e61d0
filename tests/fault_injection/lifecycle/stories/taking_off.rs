//! Unmounting of shares, and of whole sandboxes.

use mountwright_core::kata::{Container, KataError, NYDUS_ROOTFS_TYPE, RafsDaemon, RafsUnmount, Sandbox};
use mountwright_core::sandbox::TearDown;
use mountwright_core::share::ShareName;
use mountwright_core::spec::Mount;
use mountwright_core::unmount::{ReportedMount, UnmountStrategy};
use mountwright_core::{Backend, BindRequest, ContainerId, FileMode, Location};

use super::setting_up::{MOUNTS, at, sandbox};
use super::sharing::{container, id, snapshot};
use crate::story::{BASE, Before, Ended, Story, torn, unshared};

/// A daemon that has nothing mounted any more.
struct NothingThere;

impl RafsDaemon for NothingThere {
    fn unmount(&self, _: &str) -> Result<RafsUnmount, KataError> {
        Ok(RafsUnmount::NotMounted)
    }
}

/// A container with a file of the host bound beside its directory, as the original lays it out.
fn with_host_mount(ports: &dyn Backend) -> Before {
    let mut before = container(ports);
    let hosts = Location::beneath(MOUNTS, "c1-0123456789abcdef-hosts").unwrap();
    let request = BindRequest::new(at("/w/src/config"), hosts).creating_target(FileMode::MOUNT_TARGET);
    ports.bind(&request).unwrap();
    let mut mount = Mount::new("/w/src/config", "/etc/hosts", "bind");
    mount.host_path = Some(format!("{MOUNTS}/c1-0123456789abcdef-hosts").into());
    let mut container = Container::new(id());
    container.mounts.push(mount);
    before.sandbox = Some(with_container(container));
    before
}

/// A container on a nydus image: its root filesystem is in the daemon, and an empty directory on the host.
fn on_nydus(ports: &dyn Backend) -> Before {
    let mut before = sandbox(ports);
    before.shares.push(snapshot().create(ports).unwrap());
    let rootfs = Location::beneath(MOUNTS, "c1/rootfs").unwrap();
    ports.create_dir(&rootfs, FileMode::MOUNT_TARGET).unwrap();
    let mut container = Container::new(id());
    container.rootfs_type = NYDUS_ROOTFS_TYPE.into();
    before.sandbox = Some(with_container(container));
    before
}

fn with_container(container: Container) -> Sandbox {
    let mut sandbox = Sandbox::new(ContainerId::new("sb").unwrap(), MOUNTS, "qemu");
    sandbox.containers.push(container);
    sandbox
}

fn container_down(ports: &dyn Backend, before: &Before, how: UnmountStrategy) -> Ended {
    torn(&TearDown::container(MOUNTS, &before.shares).how(how).run(ports))
}

fn sandbox_down(ports: &dyn Backend, before: &Before, how: UnmountStrategy) -> Ended {
    let dirs = before.dirs.as_ref().unwrap();
    torn(&TearDown::sandbox(dirs, &before.shares).how(how).run(ports))
}

fn everything_off(ports: &dyn Backend, before: &Before) -> Ended {
    let report = before.sandbox.as_ref().unwrap().unshare_all(ports, None);
    let is_whole = |mount: &ReportedMount<KataError>| matches!(unshared(mount.result.clone()), Ended::Whole);
    if report.mounts.iter().all(is_whole) { Ended::Whole } else { Ended::InPart(report.to_string()) }
}

fn nydus_cleaned_up(ports: &dyn Backend, before: &Before) -> Ended {
    let sandbox = before.sandbox.as_ref().unwrap();
    let cleaned = sandbox.cleanup_nydus(ports, &NothingThere, &sandbox.containers[0]);
    let snapshot = cleaned.mounts[1].result.clone();
    if cleaned.is_clean() { unshared(snapshot) } else { Ended::InPart(cleaned.to_string()) }
}

const TAKING: Story = Story { prepare: container, about: &["c1"], ..BASE };
const SANDBOX: Story = Story { about: &["c1", "sandbox-mounts"], ..TAKING };

pub(super) const STORIES: &[Story] = &[
    Story {
        name: "unshare a root filesystem by name",
        tell: |ports, _| unshared(ShareName::Rootfs.unshare(ports, MOUNTS.into(), &id())),
        ..TAKING
    },
    Story {
        name: "unshare a snapshot directory by name",
        tell: |ports, _| unshared(ShareName::SnapshotDir.unshare(ports, MOUNTS.into(), &id())),
        ..TAKING
    },
    Story {
        name: "unshare a file by name",
        tell: |ports, _| unshared(ShareName::volume("config").unshare(ports, MOUNTS.into(), &id())),
        ..TAKING
    },
    Story {
        name: "unshare a file by its record",
        by_identity: true,
        tell: |ports, before| unshared(before.shares[1].unshare(ports, MOUNTS.into())),
        ..TAKING
    },
    Story { name: "unshare everything", prepare: with_host_mount, tell: everything_off, ..TAKING },
    Story { name: "clean up after a nydus image", prepare: on_nydus, tell: nydus_cleaned_up, ..TAKING },
    Story {
        name: "tear a container down",
        by_identity: true,
        tell: |ports, before| container_down(ports, before, UnmountStrategy::Lazy),
        ..TAKING
    },
    Story {
        name: "tear a container down strictly",
        by_identity: true,
        tell: |ports, before| container_down(ports, before, UnmountStrategy::Strict),
        ..TAKING
    },
    Story {
        name: "tear a sandbox down",
        tell: |ports, before| sandbox_down(ports, before, UnmountStrategy::Lazy),
        ..SANDBOX
    },
    Story {
        name: "tear a sandbox down as one tree",
        by_identity: true,
        shared: false,
        tell: |ports, before| sandbox_down(ports, before, UnmountStrategy::Lazy),
        ..SANDBOX
    },
    Story {
        name: "tear a sandbox down strictly",
        by_identity: true,
        shared: false,
        tell: |ports, before| sandbox_down(ports, before, UnmountStrategy::Strict),
        ..SANDBOX
    },
];
