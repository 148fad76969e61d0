//! What happens to a sandbox, as stories that can be told with anything going wrong.

use mountwright_core::{
    ContainerId, Ensured, Error, Filesystem, Leftover, Location, Mounter, NameAfter, Recovery, SandboxDirs,
    SandboxSetup, Share, ShareRecord, TakeOff, TearDownReport, UnshareOutcome, UnsharedMounts, ensure_share,
    set_up_sandbox, tear_down_container, tear_down_sandbox, unshare_recorded, unshare_rootfs,
};

use crate::host::Host;

/// The ports, as a story sees them.
#[derive(Clone, Copy)]
pub(crate) struct Ports<'a> {
    pub(crate) fs: &'a dyn Filesystem,
    pub(crate) mounter: &'a dyn Mounter,
}

/// What was there when the story begins.
#[derive(Clone, Default)]
pub(crate) struct Before {
    dirs: Option<SandboxDirs>,
    shares: Vec<ShareRecord>,
}

/// How a story ended, as the sequence tells it.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Everything is made, or everything is off and gone.
    Whole,
    /// Nothing was made, but for what is named.
    Nothing(Vec<Leftover>, String),
    /// Not everything is off or gone, and that was told.
    InPart(String),
}

/// A story.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// The host's mounts are shared.
    pub(crate) shared: bool,
    /// The kernel cannot bind read-only in one step.
    pub(crate) clumsy: bool,
    pub(crate) prepare: fn(Ports<'_>) -> Before,
    pub(crate) tell: fn(Ports<'_>, &Before) -> Ended,
}

impl Story {
    pub(crate) fn host(&self) -> Host {
        Host::new(self.shared)
    }
}

pub(crate) const MOUNTS: &str = "/w/sb/mounts";
const SHARED: &str = "/w/sb/shared";
const PRIVATE: &str = "/w/sb/private";

pub(crate) fn id() -> ContainerId {
    ContainerId::new("c1").unwrap()
}

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn setup(unshared: UnsharedMounts) -> SandboxSetup {
    let sources = [at("/w/src/config"), at("/w/src/data")];
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(unshared).private_dir(PRIVATE).unwrap();
    setup.bind_mounts(&sources).unwrap()
}

fn rootfs() -> Share {
    Share::rootfs(MOUNTS, &id(), at("/w/src/rootfs")).unwrap()
}

fn config() -> Share {
    Share::volume(MOUNTS, &id(), "config", at("/w/src/config")).unwrap().read_only().prepared_in(PRIVATE)
}

fn snapshot() -> Share {
    Share::snapshot_dir(MOUNTS, &id(), at("/w/disk/layer")).unwrap().prepared_in(PRIVATE)
}

pub(crate) fn recovery() -> Recovery {
    Recovery::new(MOUNTS, SHARED).unwrap().private_dir(PRIVATE).unwrap().directories_too()
}

fn built<T>(result: Result<T, Error>) -> Ended {
    match result {
        Ok(_) => Ended::Whole,
        Err(error) => Ended::Nothing(error.left().to_vec(), error.to_string()),
    }
}

fn torn(report: &TearDownReport) -> Ended {
    if report.is_clean() { Ended::Whole } else { Ended::InPart(report.to_string()) }
}

fn unshared(result: Result<UnshareOutcome, Error>) -> Ended {
    match result {
        Ok(UnshareOutcome::Detached { name: NameAfter::Removed, .. }) => Ended::Whole,
        Ok(other) => Ended::InPart(other.to_string()),
        Err(error) => Ended::InPart(error.to_string()),
    }
}

fn nothing(_: Ports<'_>) -> Before {
    Before::default()
}

fn sandbox(ports: Ports<'_>) -> Before {
    let dirs = set_up_sandbox(ports.fs, ports.mounter, &setup(UnsharedMounts::MakeShared)).unwrap();
    Before { dirs: Some(dirs), shares: Vec::new() }
}

fn container(ports: Ports<'_>) -> Before {
    let mut before = sandbox(ports);
    for share in [rootfs(), config(), snapshot()] {
        before.shares.push(share.carry_out(ports.fs, ports.mounter).unwrap());
    }
    before
}

fn torn_down(ports: Ports<'_>, before: &Before, how: TakeOff) -> Ended {
    let dirs = before.dirs.as_ref().unwrap();
    torn(&tear_down_sandbox(ports.fs, ports.mounter, dirs, &before.shares, how))
}

fn ensured(ports: Ports<'_>, share: &Share) -> Ended {
    match ensure_share(ports.fs, ports.mounter, share) {
        Ok(Ensured::Conflict(conflict)) => Ended::Nothing(Vec::new(), conflict.to_string()),
        other => built(other),
    }
}

const BASE: Story = Story { name: "", shared: true, clumsy: false, prepare: nothing, tell: |_, _| Ended::Whole };

/// Every story.
pub(crate) const STORIES: &[Story] = &[
    Story {
        name: "set a sandbox up",
        tell: |ports, _| built(set_up_sandbox(ports.fs, ports.mounter, &setup(UnsharedMounts::Refuse))),
        ..BASE
    },
    Story {
        name: "set a sandbox up and make its mounts shared",
        shared: false,
        tell: |ports, _| built(set_up_sandbox(ports.fs, ports.mounter, &setup(UnsharedMounts::MakeShared))),
        ..BASE
    },
    Story {
        name: "set a sandbox up that is set up",
        shared: false,
        prepare: sandbox,
        tell: |ports, _| built(set_up_sandbox(ports.fs, ports.mounter, &setup(UnsharedMounts::MakeShared))),
        ..BASE
    },
    Story {
        name: "share a root filesystem",
        prepare: sandbox,
        tell: |ports, _| built(rootfs().carry_out(ports.fs, ports.mounter)),
        ..BASE
    },
    Story {
        name: "share a file read-only",
        prepare: sandbox,
        tell: |ports, _| built(config().carry_out(ports.fs, ports.mounter)),
        ..BASE
    },
    Story {
        name: "share a file read-only by way of the private place",
        clumsy: true,
        prepare: sandbox,
        tell: |ports, _| built(config().carry_out(ports.fs, ports.mounter)),
        ..BASE
    },
    Story {
        name: "share a snapshot directory by way of the private place",
        shared: false,
        clumsy: true,
        prepare: sandbox,
        tell: |ports, _| built(snapshot().carry_out(ports.fs, ports.mounter)),
    },
    Story {
        name: "make sure of a share that is missing",
        prepare: sandbox,
        tell: |ports, _| ensured(ports, &rootfs()),
        ..BASE
    },
    Story {
        name: "make sure of a share that is there",
        prepare: container,
        tell: |ports, _| ensured(ports, &snapshot()),
        ..BASE
    },
    Story {
        name: "unshare a root filesystem by name",
        prepare: container,
        tell: |ports, _| unshared(unshare_rootfs(ports.fs, ports.mounter, MOUNTS.into(), &id())),
        ..BASE
    },
    Story {
        name: "unshare a file by its record",
        prepare: container,
        tell: |ports, before| unshared(unshare_recorded(ports.fs, ports.mounter, MOUNTS.into(), &before.shares[1])),
        ..BASE
    },
    Story {
        name: "tear a container down",
        prepare: container,
        tell: |ports, before| {
            torn(&tear_down_container(ports.fs, ports.mounter, MOUNTS.into(), &before.shares, TakeOff::Detach))
        },
        ..BASE
    },
    Story {
        name: "tear a sandbox down",
        prepare: container,
        tell: |ports, before| torn_down(ports, before, TakeOff::Detach),
        ..BASE
    },
    Story {
        name: "tear a sandbox down as one tree",
        shared: false,
        prepare: container,
        tell: |ports, before| torn_down(ports, before, TakeOff::Detach),
        ..BASE
    },
    Story {
        name: "tear a sandbox down strictly",
        shared: false,
        prepare: container,
        tell: |ports, before| torn_down(ports, before, TakeOff::Strict),
        ..BASE
    },
    Story { name: "recover", prepare: container, tell: recovered, ..BASE },
    Story {
        name: "recover where the mounts were made shared",
        shared: false,
        prepare: container,
        tell: recovered,
        ..BASE
    },
];

fn recovered(ports: Ports<'_>, _: &Before) -> Ended {
    match recovery().reap(ports.fs, ports.mounter) {
        Ok(report) if report.is_clean() => Ended::Whole,
        Ok(report) => Ended::InPart(report.to_string()),
        Err(error) => Ended::InPart(error.to_string()),
    }
}
