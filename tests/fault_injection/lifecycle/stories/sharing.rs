//! Sharing, and ensuring a share.

use mountwright_core::Backend;
use mountwright_core::ContainerId;
use mountwright_core::share::Share;

use super::setting_up::{MOUNTS, PRIVATE, at, sandbox};
use crate::story::{BASE, Before, Ended, Story, built, ensured};

pub(crate) fn id() -> ContainerId {
    ContainerId::new("c1").unwrap()
}

pub(super) fn rootfs() -> Share {
    Share::rootfs(MOUNTS, &id(), at("/w/src/rootfs")).unwrap()
}

fn config() -> Share {
    Share::volume(MOUNTS, &id(), "config", at("/w/src/config")).unwrap().prepared_in(PRIVATE)
}

fn data() -> Share {
    Share::volume(MOUNTS, &id(), "data", at("/w/src/data")).unwrap().prepared_in(PRIVATE)
}

pub(super) fn snapshot() -> Share {
    Share::snapshot_dir(MOUNTS, &id(), at("/w/disk/layer")).unwrap().prepared_in(PRIVATE)
}

/// A sandbox with a container in it: a root filesystem, a read-only file and a snapshot directory.
pub(crate) fn container(ports: &dyn Backend) -> Before {
    let mut before = sandbox(ports);
    for share in [rootfs(), config().read_only(), snapshot()] {
        before.shares.push(share.create(ports).unwrap());
    }
    before
}

fn share(ports: &dyn Backend, share: &Share) -> Ended {
    built(share.create(ports))
}

fn ensure(ports: &dyn Backend, share: &Share) -> Ended {
    ensured(share.ensure(ports))
}

const SHARING: Story = Story { prepare: sandbox, about: &["c1"], ..BASE };

pub(super) const STORIES: &[Story] = &[
    Story { name: "share a root filesystem", tell: |ports, _| share(ports, &rootfs()), ..SHARING },
    Story {
        name: "share a root filesystem read-only",
        tell: |ports, _| share(ports, &rootfs().read_only()),
        ..SHARING
    },
    Story { name: "share a file", tell: |ports, _| share(ports, &config()), ..SHARING },
    Story { name: "share a file read-only", tell: |ports, _| share(ports, &config().read_only()), ..SHARING },
    Story {
        name: "share a file read-only by way of the private place",
        clumsy: true,
        tell: |ports, _| share(ports, &config().read_only()),
        ..SHARING
    },
    Story { name: "share a volume", tell: |ports, _| share(ports, &data()), ..SHARING },
    Story { name: "share a volume read-only", tell: |ports, _| share(ports, &data().read_only()), ..SHARING },
    Story { name: "share a snapshot directory", tell: |ports, _| share(ports, &snapshot()), ..SHARING },
    Story {
        name: "share a snapshot directory by way of the private place",
        shared: false,
        clumsy: true,
        tell: |ports, _| share(ports, &snapshot()),
        ..SHARING
    },
    Story { name: "make sure of a share that is missing", tell: |ports, _| ensure(ports, &rootfs()), ..SHARING },
    Story {
        name: "make sure of a share that is there",
        prepare: container,
        about: &["c1"],
        tell: |ports, _| ensure(ports, &snapshot()),
        ..BASE
    },
];
