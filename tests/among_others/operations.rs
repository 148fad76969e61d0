//! Every public operation on one sandbox, and those of the ports at one target. The library's API is used
//! here alone.

use std::ops::ControlFlow;

use mountwright_core::device::BackingDevice;
use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::kata::{DirectVolume, DirectVolumeType, DirectVolumes};
use mountwright_core::kubernetes::fs_group::{FsGroupError, FsGroupOutcome, FsGroupRequest};
use mountwright_core::mount::UnmountMode;
use mountwright_core::recovery::Recovery;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Ensured, Share, ShareName, ShareRecord};
use mountwright_core::spec::{FsGroup, FsGroupChangePolicy};
use mountwright_core::unmount::{Removal, UnmountStrategy};
use mountwright_core::{
    Backend, BindRequest, ContainerId, Errno, Error, FileMode, Location, MountKey, MountRequest, OsError, Propagation,
    UnmountRequest,
};
use mountwright_core::{Filesystem, Mounter};
use serde::{Deserialize, Serialize};

use crate::host::Layout;

pub(crate) const MOUNTS: &str = "/w/sb/mounts";
pub(crate) const SHARED: &str = "/w/sb/shared";
pub(crate) const VOLUME: &str = "/w/volume";
pub(crate) const GROUP: u32 = 4321;

/// The ports of one caller.
#[derive(Clone, Copy)]
pub(crate) struct Ports<'a> {
    pub(crate) fs: &'a dyn Filesystem,
    pub(crate) mounter: &'a dyn Mounter,
}

impl<'a> Ports<'a> {
    pub(crate) fn both(&self) -> mountwright_core::ports::Ports<&'a dyn Filesystem, &'a dyn Mounter> {
        mountwright_core::ports::Ports { filesystem: self.fs, mounter: self.mounter }
    }

    pub(crate) fn of(backend: &'a impl Backend) -> Self {
        Self { fs: backend, mounter: backend }
    }
}

/// Result of an operation, as far as it can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Its kind: `done`, `nothing to do`, `conflict`, the errno, or `incomplete`.
    pub(crate) kind: String,
    /// All of it, for a person to read.
    pub(crate) text: String,
    /// Names of an error's leftovers.
    pub(crate) left: Vec<String>,
    /// True where a mount was on one of these, or in it, when the call had returned.
    #[serde(default)]
    pub(crate) names_what_is_used: bool,
}

impl Answer {
    pub(crate) fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), text: kind.to_owned(), ..Self::default() }
    }

    pub(crate) fn incomplete(text: &impl ToString) -> Self {
        Self { kind: INCOMPLETE.to_owned(), text: text.to_string(), ..Self::default() }
    }

    fn failed(errno: Option<Errno>, text: String, left: &[Leftover]) -> Self {
        let kind =
            errno.map_or_else(|| text.split(['/', ':']).next().unwrap_or_default().to_owned(), |e| e.to_string());
        Self { kind, text, left: left.iter().map(ToString::to_string).collect(), names_what_is_used: false }
    }

    /// A typed conflict: the caller has changed nothing, and may repeat the call.
    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == CONFLICT
    }

    pub(crate) fn is_success(&self) -> bool {
        [DONE, NOTHING].contains(&self.kind.as_str())
    }
}

pub(crate) const DONE: &str = "done";
const NOTHING: &str = "nothing to do";
const CONFLICT: &str = "conflict";
pub(crate) const INCOMPLETE: &str = "incomplete";

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        match error {
            Error::Conflict(conflict) => Self { text: conflict.to_string(), ..Self::new(CONFLICT) },
            Error::LeftBehind { ref error, ref left } if matches!(**error, Error::Conflict(_)) => {
                Self { kind: CONFLICT.to_owned(), ..Self::failed(None, error.to_string(), left) }
            }
            error => Self::failed(error.errno(), error.to_string(), error.left()),
        }
    }
}

impl From<OsError> for Answer {
    fn from(error: OsError) -> Self {
        Error::from(error).into()
    }
}

fn done<T>(result: Result<T, impl Into<Answer>>) -> Answer {
    result.map_or_else(Into::into, |_| Answer::new(DONE))
}

fn unshared(result: Result<Removal, Error>) -> Answer {
    match result {
        Ok(Removal::Unmounted { .. }) => Answer::new(DONE),
        Ok(Removal::NotMounted { .. } | Removal::NotFound) => Answer::new(NOTHING),
        Ok(other) => Answer::incomplete(&other),
        Err(error) => error.into(),
    }
}

/// Records of an earlier caller.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Before {
    pub(crate) layout: Option<Layout>,
    pub(crate) dirs: Option<SandboxDirs>,
    /// The root filesystem, the file `config` and the directory `data` of container `c1`; the root filesystem of `c2`.
    pub(crate) shares: Vec<ShareRecord>,
}

/// One operation; `side` (0 or 1) is the caller.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) start: Start,
    pub(crate) kind: Kind,
    pub(crate) run: fn(Ports<'_>, &Before, usize) -> Answer,
}

/// Effect of an operation on a sandbox as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It adds something.
    Makes,
    /// It removes everything.
    Removes,
    /// It removes at most one share.
    Other,
}

/// The state that an operation starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Start {
    /// Neither sandbox nor mount.
    Empty,
    /// The mounts directory alone.
    Directory,
    /// A sandbox that is set up, with one container in it.
    Running,
}

pub(crate) fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn id(text: &str) -> ContainerId {
    ContainerId::new(text).unwrap()
}

fn setup(layout: Option<Layout>) -> SandboxSetup {
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap();
    if layout == Some(Layout::MadeShared) { setup.unshared(IfNotShared::MakeShared) } else { setup }
}

fn volume(container: &str, name: &str, source: &str) -> Share {
    Share::volume(MOUNTS, &id(container), name, at(source)).unwrap()
}

pub(crate) fn snapshot() -> Share {
    Share::snapshot_dir(MOUNTS, &id("c1"), at("/h/snap")).unwrap()
}

pub(crate) fn recovery() -> Recovery {
    Recovery::new(MOUNTS, SHARED).unwrap().directories_too()
}

/// Sets a sandbox up and shares with its first container.
pub(crate) fn prepare(ports: Ports<'_>, layout: Layout, start: Start) -> Before {
    let mut before = Before { layout: Some(layout), ..Before::default() };
    if start == Start::Directory {
        ports.fs.create_dir(&at(MOUNTS), FileMode::MOUNT_TARGET).unwrap();
    }
    if start == Start::Running {
        before.dirs = Some(setup(Some(layout)).run(&ports.both()).unwrap());
        let rootfs = Share::rootfs(MOUNTS, &id("c1"), at("/h/rootfs")).unwrap();
        let image = Share::rootfs(MOUNTS, &id("c2"), at("/h/image")).unwrap();
        let config = volume("c1", "config", "/h/config").read_only();
        for share in [rootfs, config, volume("c1", "data", "/h/data"), image] {
            before.shares.push(share.create(&ports.both()).unwrap());
        }
    }
    before
}

fn share(ports: Ports<'_>, share: &Share) -> Answer {
    done(share.create(&ports.both()))
}

fn ensure(ports: Ports<'_>, share: &Share) -> Answer {
    match share.ensure(&ports.both()) {
        Ok(Ensured::Done(_)) => Answer::new(DONE),
        Ok(Ensured::AlreadySatisfied(_)) => Answer::new(NOTHING),
        Ok(Ensured::Conflict(conflict)) => Error::from(conflict).into(),
        Err(error) => error.into(),
    }
}

fn down(ports: Ports<'_>, before: &Before, how: UnmountStrategy) -> Answer {
    let dirs = before.dirs.as_ref().unwrap();
    let report = TearDown::sandbox(dirs, &before.shares).how(how).run(&ports.both());
    if report.is_clean() { Answer::new(DONE) } else { Answer::incomplete(&report) }
}

pub(crate) fn recover(ports: Ports<'_>) -> Answer {
    match recovery().reap(&ports.both()) {
        Ok(report) if report.is_clean() => Answer::new(DONE),
        Ok(report) => Answer::incomplete(&report),
        Err(error) => error.into(),
    }
}

pub(crate) fn unshare_by_record(ports: Ports<'_>, record: &ShareRecord) -> Answer {
    unshared(record.unshare(&ports.both(), MOUNTS.into()))
}

pub(crate) fn give_group(ports: Ports<'_>) -> Answer {
    let request = FsGroupRequest::new(FsGroup { gid: GROUP, policy: FsGroupChangePolicy::Always });
    match request.apply(ports.fs, &at(VOLUME), &mut |_| ControlFlow::Continue(())) {
        Ok(FsGroupOutcome::Applied(_) | FsGroupOutcome::NotNeeded) => Answer::new(DONE),
        Ok(other) => Answer::incomplete(&format!("{other:?}")),
        Err(FsGroupError::Root(error)) => error.into(),
        Err(error) => Answer::incomplete(&error),
    }
}

fn replace(ports: Ports<'_>, side: usize) -> Answer {
    let device = ["/dev/sda", "/dev/sdb"][side];
    let record = DirectVolume::new(DirectVolumeType::Block, device, "ext4", [].into(), Vec::new()).unwrap();
    let written = DirectVolumes::at("/w/records").write(ports.fs, "/data".into(), &record, serde_json::to_vec);
    written.map_or_else(|error| Answer::failed(None, error.to_string(), &[]), |()| Answer::new(DONE))
}

fn bind(ports: Ports<'_>, target: Location, side: usize) -> Answer {
    let request = BindRequest::new(at(["/h/rootfs", "/h/data"][side]), target).propagation(Propagation::Private);
    done(ports.mounter.bind(&request))
}

const RUNNING: Operation =
    Operation { name: "", start: Start::Running, kind: Kind::Other, run: |_, _, _| Answer::new(NOTHING) };

const MAKING: Operation = Operation { kind: Kind::Makes, ..RUNNING };
const REMOVING: Operation = Operation { kind: Kind::Removes, ..RUNNING };

pub(crate) const SET_UP_FIRST: &str = "set up first";
pub(crate) const FS_GROUP: &str = "fsGroup";
pub(crate) const MOUNT: &str = "mount";
pub(crate) const UNMOUNT: &str = "unmount";
pub(crate) const STRICTLY: &str = "tear down strictly";

/// On one sandbox.
pub(crate) const OF_A_SANDBOX: &[Operation] = &[
    Operation { name: "set up", run: |ports, before, _| done(setup(before.layout).run(&ports.both())), ..MAKING },
    Operation {
        name: "share a root filesystem",
        run: |ports, _, _| share(ports, &Share::rootfs(MOUNTS, &id("c4"), at("/h/rootfs")).unwrap()),
        ..MAKING
    },
    Operation {
        name: "share a file",
        run: |ports, _, _| share(ports, &volume("c1", "hosts", "/h/config").read_only()),
        ..MAKING
    },
    Operation { name: "share a snapshot", run: |ports, _, _| share(ports, &snapshot()), ..MAKING },
    Operation { name: "ensure", run: |ports, _, _| ensure(ports, &volume("c3", "v", "/h/data").read_only()), ..MAKING },
    Operation {
        name: "unshare by name",
        run: |ports, _, _| unshared(ShareName::volume("config").unshare(&ports.both(), MOUNTS.into(), &id("c1"))),
        ..RUNNING
    },
    Operation {
        name: "unshare by record",
        run: |ports, before, _| unshare_by_record(ports, &before.shares[0]),
        ..RUNNING
    },
    Operation { name: "tear down", run: |ports, before, _| down(ports, before, UnmountStrategy::Lazy), ..REMOVING },
    Operation { name: STRICTLY, run: |ports, before, _| down(ports, before, UnmountStrategy::Strict), ..REMOVING },
    Operation { name: "recover", run: |ports, _, _| recover(ports), ..REMOVING },
    Operation { name: FS_GROUP, run: |ports, _, _| give_group(ports), ..RUNNING },
    Operation { name: "replace a record", run: |ports, _, side| replace(ports, side), ..RUNNING },
];

/// Those that start before there is a sandbox.
pub(crate) const OF_NO_SANDBOX: &[Operation] = &[
    Operation { name: SET_UP_FIRST, start: Start::Empty, ..OF_A_SANDBOX[0] },
    Operation { name: "share a snapshot first", start: Start::Directory, ..OF_A_SANDBOX[3] },
    Operation { name: "ensure first", start: Start::Directory, ..OF_A_SANDBOX[4] },
    Operation { name: "recover first", start: Start::Empty, ..OF_A_SANDBOX[9] },
];

/// Shares of one container that are made and removed in one call.
pub(crate) const COMING_AND_GOING: &[Operation] = &[Operation {
    name: "share, then unshare",
    start: Start::Directory,
    kind: Kind::Other,
    run: |ports, _, side| {
        let name = ["v0", "v1"][side];
        match share(ports, &volume("c1", name, "/h/data")) {
            answer if answer.kind == DONE => {
                unshared(ShareName::volume(name).unshare(&ports.both(), MOUNTS.into(), &id("c1")))
            }
            other => other,
        }
    },
}];

/// At one target, by the ports.
pub(crate) const AT_ONE_TARGET: &[Operation] = &[
    Operation {
        name: "bind beneath",
        start: Start::Empty,
        kind: Kind::Other,
        run: |ports, _, side| bind(ports, Location::beneath("/w", "t").unwrap(), side),
    },
    Operation {
        name: "bind",
        start: Start::Empty,
        kind: Kind::Other,
        run: |ports, _, side| bind(ports, at("/w/t"), side),
    },
    Operation {
        name: MOUNT,
        start: Start::Empty,
        kind: Kind::Other,
        run: |ports, _, _| done(ports.mounter.mount(&MountRequest::new("tmpfs", at("/w/t")))),
    },
    Operation {
        name: UNMOUNT,
        start: Start::Empty,
        kind: Kind::Other,
        run: |ports, _, _| done(ports.mounter.unmount(&UnmountRequest::new(at("/w/t")).with_mode(UnmountMode::Detach))),
    },
    Operation {
        name: "bind and create",
        start: Start::Empty,
        kind: Kind::Other,
        run: |ports, _, side| {
            let target = Location::beneath("/w", "new/t").unwrap();
            let request = BindRequest::new(at(["/h/rootfs", "/h/data"][side]), target);
            let request = request.propagation(Propagation::Private).creating_target(FileMode::MOUNT_TARGET);
            done(ports.mounter.bind(&request))
        },
    },
];

/// Operations by stored records.
pub(crate) const BY_RECORDS: &[Operation] = &[
    OF_A_SANDBOX[6],
    Operation {
        name: "tear a container down",
        run: |ports, before, _| {
            let report = TearDown::container(MOUNTS, &before.shares).run(&ports.both());
            if report.is_clean() { Answer::new(DONE) } else { Answer::incomplete(&report) }
        },
        ..RUNNING
    },
    OF_A_SANDBOX[7],
    OF_A_SANDBOX[8],
];

/// Queries and changes of a place that may be on a filesystem that refuses; `place` is a directory on it, or its root.
pub(crate) struct Touch {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Ports<'_>, &str) -> Answer,
}

fn below(place: &str) -> Location {
    let (root, name) = place.rsplit_once('/').unwrap();
    Location::beneath(root, name).unwrap()
}

/// Each works on the name alone.
pub(crate) const TOUCHES: &[Touch] = &[
    Touch { name: "open a directory beneath", run: |ports, place| done(ports.fs.open_dir(&below(place))) },
    Touch { name: "open a directory", run: |ports, place| done(ports.fs.open_dir(&at(place))) },
    Touch { name: "metadata", run: |ports, place| done(ports.fs.metadata(&at(place), FinalSymlink::Follow)) },
    Touch {
        name: "metadata beneath",
        run: |ports, place| done(ports.fs.metadata(&below(place), FinalSymlink::Itself)),
    },
    Touch { name: "filesystem of", run: |ports, place| done(ports.mounter.filesystem_of(&below(place))) },
    Touch { name: "mount of", run: |ports, place| done(ports.mounter.mount_of(&at(place))) },
    Touch { name: "mount of, beneath", run: |ports, place| done(ports.mounter.mount_of(&below(place))) },
    Touch {
        name: "bind from it",
        run: |ports, place| done(ports.mounter.bind(&BindRequest::new(at(place), at("/w/t")).read_only())),
    },
    Touch {
        name: "bind onto it",
        run: |ports, place| done(ports.mounter.bind(&BindRequest::new(at("/h/data"), below(place)))),
    },
    Touch {
        name: "share it",
        run: |ports, place| share(ports, &Share::rootfs(MOUNTS, &id("c7"), at(place)).unwrap().read_only()),
    },
    Touch { name: "ensure its share", run: |ports, place| ensure(ports, &volume("c7", "v", place)) },
    Touch {
        name: "create a directory",
        run: |ports, place| done(ports.fs.create_dir(&below(place), FileMode::MOUNT_TARGET)),
    },
    Touch { name: "remove a directory", run: |ports, place| done(ports.fs.remove_dir(&below(place))) },
];

/// Operations on the root of a mount that may serve another user only; each ends as on a mount that serves all.
pub(crate) const OF_A_MOUNT: &[Touch] = &[
    Touch { name: "mount of", run: |ports, place| done(ports.mounter.mount_of(&at(place))) },
    Touch { name: "filesystem of", run: |ports, place| done(ports.mounter.filesystem_of(&at(place))) },
    Touch {
        name: "bind from it",
        run: |ports, place| done(ports.mounter.bind(&BindRequest::new(at(place), at("/w/t")).read_only())),
    },
    Touch {
        name: "bind onto it",
        run: |ports, place| done(ports.mounter.bind(&BindRequest::new(at("/h/data"), at(place)))),
    },
    Touch {
        name: "share it and unshare it",
        run: |ports, place| {
            let wanted = Share::rootfs(MOUNTS, &id("c7"), at(place)).unwrap().read_only();
            match wanted.create(&ports.both()) {
                Ok(record) => unshare_by_record(ports, &record),
                Err(error) => error.into(),
            }
        },
    },
    Touch {
        name: "share it and recover",
        run: |ports, place| {
            // By mount(2) and its like: other cases check whether the library can share it.
            let shared = BindRequest::new(at(place), Location::beneath(MOUNTS, "c8/v").unwrap());
            match ports.mounter.bind(&shared.creating_target(FileMode::MOUNT_TARGET)) {
                Ok(_) => recover(ports),
                Err(error) => error.into(),
            }
        },
    },
    Touch {
        name: "unmount by identity",
        run: |ports, place| {
            let key = match ports.mounter.mounts() {
                Ok(table) => table.mount_at(place.as_ref()).map(|row| MountKey::Reused(row.id())),
                Err(error) => return error.into(),
            };
            let request = UnmountRequest::new(at(place)).with_mode(UnmountMode::Detach).only(key.unwrap());
            done(ports.mounter.unmount(&request))
        },
    },
];

/// Questions and operations inside a chroot that may or may not be a mount point; the paths are those inside.
pub(crate) const IN_A_CHROOT: &[Touch] = &[
    Touch {
        name: "backing device",
        run: |ports, _| match BackingDevice::of(&ports.both(), "/srv/vol") {
            Ok(BackingDevice::Subtree { subpath, .. }) => {
                Answer { text: subpath.display().to_string(), ..Answer::new("of a subtree") }
            }
            Ok(other) => Answer::incomplete(&format!("{other:?}")),
            Err(error) => error.into(),
        },
    },
    Touch {
        name: "share and unshare",
        run: |ports, _| {
            let wanted = Share::volume("/sb", &id("c"), "v", at("/srv/vol")).unwrap();
            match wanted.create(&ports.both()) {
                Ok(record) => unshared(record.unshare(&ports.both(), "/sb".into())),
                Err(error) => error.into(),
            }
        },
    },
    Touch {
        name: "ensure twice",
        run: |ports, _| {
            let share = Share::volume("/sb", &id("c"), "v", at("/srv/vol")).unwrap();
            let first = ensure(ports, &share);
            if first.is_success() { ensure(ports, &share) } else { first }
        },
    },
    Touch {
        name: "set up twice and tear down",
        run: |ports, _| {
            let setup = SandboxSetup::new("/sb/m", "/sb/s").unwrap().unshared(IfNotShared::MakeShared);
            let twice = setup.run(&ports.both()).and_then(|_| setup.run(&ports.both()));
            match twice {
                Ok(dirs) => {
                    let report = TearDown::sandbox(&dirs, &[]).run(&ports.both());
                    if report.is_clean() { Answer::new(DONE) } else { Answer::incomplete(&report) }
                }
                Err(error) => error.into(),
            }
        },
    },
    Touch {
        name: "set up and recover",
        run: |ports, _| {
            let setup = SandboxSetup::new("/sb/m", "/sb/s").unwrap().unshared(IfNotShared::MakeShared);
            match setup.run(&ports.both()) {
                Ok(_) => match Recovery::new("/sb/m", "/sb/s").unwrap().directories_too().reap(&ports.both()) {
                    Ok(report) if report.is_clean() => Answer::new(DONE),
                    Ok(report) => Answer::incomplete(&report),
                    Err(error) => error.into(),
                },
                Err(error) => error.into(),
            }
        },
    },
];
