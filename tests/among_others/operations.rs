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
use mountwright_core::unmount::{Removal, Report, UnmountStrategy};
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

/// The error of a first call, or the result of what follows its success.
fn then<T>(first: Result<T, impl Into<Answer>>, following: impl FnOnce(T) -> Answer) -> Answer {
    first.map_or_else(Into::into, following)
}

fn done<T>(result: Result<T, impl Into<Answer>>) -> Answer {
    then(result, |_| Answer::new(DONE))
}

fn unshared(result: Result<Removal, Error>) -> Answer {
    then(result, |removal| match removal {
        Removal::Unmounted { .. } => Answer::new(DONE),
        Removal::NotMounted { .. } | Removal::NotFound => Answer::new(NOTHING),
        other => Answer::incomplete(&other),
    })
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
    then(share.ensure(&ports.both()), |ensured| match ensured {
        Ensured::Done(_) => Answer::new(DONE),
        Ensured::AlreadySatisfied(_) => Answer::new(NOTHING),
        Ensured::Conflict(conflict) => Error::from(conflict).into(),
    })
}

fn reported(report: &Report) -> Answer {
    if report.is_clean() { Answer::new(DONE) } else { Answer::incomplete(report) }
}

fn down(ports: Ports<'_>, before: &Before, how: UnmountStrategy) -> Answer {
    let dirs = before.dirs.as_ref().unwrap();
    reported(&TearDown::sandbox(dirs, &before.shares).how(how).run(&ports.both()))
}

pub(crate) fn recover(ports: Ports<'_>) -> Answer {
    then(recovery().reap(&ports.both()), |report| reported(&report))
}

fn unshare_volume(ports: Ports<'_>, name: &str) -> Answer {
    unshared(ShareName::volume(name).unshare(&ports.both(), MOUNTS.into(), &id("c1")))
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

/// The caller's bind onto a target.
fn binding(target: Location, side: usize) -> BindRequest {
    BindRequest::new(at(["/h/rootfs", "/h/data"][side]), target).propagation(Propagation::Private)
}

fn bind(ports: Ports<'_>, request: &BindRequest) -> Answer {
    done(ports.mounter.bind(request))
}

/// An operation on a sandbox that is set up.
const fn operation(name: &'static str, kind: Kind, run: fn(Ports<'_>, &Before, usize) -> Answer) -> Operation {
    Operation { name, start: Start::Running, kind, run }
}

/// An operation of the ports at one target.
const fn at_a_target(name: &'static str, run: fn(Ports<'_>, &Before, usize) -> Answer) -> Operation {
    Operation { start: Start::Empty, ..operation(name, Kind::Other, run) }
}

pub(crate) const SET_UP_FIRST: &str = "set up first";
pub(crate) const FS_GROUP: &str = "fsGroup";
pub(crate) const MOUNT: &str = "mount";
pub(crate) const UNMOUNT: &str = "unmount";
pub(crate) const STRICTLY: &str = "tear down strictly";

/// On one sandbox.
pub(crate) const OF_A_SANDBOX: &[Operation] = &[
    operation("set up", Kind::Makes, |ports, before, _| done(setup(before.layout).run(&ports.both()))),
    operation("share a root filesystem", Kind::Makes, |ports, _, _| {
        share(ports, &Share::rootfs(MOUNTS, &id("c4"), at("/h/rootfs")).unwrap())
    }),
    operation("share a file", Kind::Makes, |ports, _, _| share(ports, &volume("c1", "hosts", "/h/config").read_only())),
    operation("share a snapshot", Kind::Makes, |ports, _, _| share(ports, &snapshot())),
    operation("ensure", Kind::Makes, |ports, _, _| ensure(ports, &volume("c3", "v", "/h/data").read_only())),
    operation("unshare by name", Kind::Other, |ports, _, _| unshare_volume(ports, "config")),
    operation("unshare by record", Kind::Other, |ports, before, _| unshare_by_record(ports, &before.shares[0])),
    operation("tear down", Kind::Removes, |ports, before, _| down(ports, before, UnmountStrategy::Lazy)),
    operation(STRICTLY, Kind::Removes, |ports, before, _| down(ports, before, UnmountStrategy::Strict)),
    operation("recover", Kind::Removes, |ports, _, _| recover(ports)),
    operation(FS_GROUP, Kind::Other, |ports, _, _| give_group(ports)),
    operation("replace a record", Kind::Other, |ports, _, side| replace(ports, side)),
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
    start: Start::Directory,
    ..operation("share, then unshare", Kind::Other, |ports, _, side| {
        let name = ["v0", "v1"][side];
        match share(ports, &volume("c1", name, "/h/data")) {
            answer if answer.kind == DONE => unshare_volume(ports, name),
            other => other,
        }
    })
}];

/// At one target, by the ports.
pub(crate) const AT_ONE_TARGET: &[Operation] = &[
    at_a_target("bind beneath", |ports, _, side| bind(ports, &binding(below("/w/t"), side))),
    at_a_target("bind", |ports, _, side| bind(ports, &binding(at("/w/t"), side))),
    at_a_target(MOUNT, |ports, _, _| done(ports.mounter.mount(&MountRequest::new("tmpfs", at("/w/t"))))),
    at_a_target(UNMOUNT, |ports, _, _| {
        done(ports.mounter.unmount(&UnmountRequest::new(at("/w/t")).with_mode(UnmountMode::Detach)))
    }),
    at_a_target("bind and create", |ports, _, side| {
        let target = Location::beneath("/w", "new/t").unwrap();
        bind(ports, &binding(target, side).creating_target(FileMode::MOUNT_TARGET))
    }),
];

/// Operations by stored records.
pub(crate) const BY_RECORDS: &[Operation] = &[
    OF_A_SANDBOX[6],
    operation("tear a container down", Kind::Other, |ports, before, _| {
        reported(&TearDown::container(MOUNTS, &before.shares).run(&ports.both()))
    }),
    OF_A_SANDBOX[7],
    OF_A_SANDBOX[8],
];

/// Queries and changes of a place that may be on a filesystem that refuses; `place` is a directory on it, or its root.
#[derive(Clone, Copy)]
pub(crate) struct Touch {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Ports<'_>, &str) -> Answer,
}

const fn touch(name: &'static str, run: fn(Ports<'_>, &str) -> Answer) -> Touch {
    Touch { name, run }
}

fn below(place: &str) -> Location {
    let (root, name) = place.rsplit_once('/').unwrap();
    Location::beneath(root, name).unwrap()
}

const MOUNT_OF: Touch = touch("mount of", |ports, place| done(ports.mounter.mount_of(&at(place))));
const BIND_FROM: Touch =
    touch("bind from it", |ports, place| bind(ports, &BindRequest::new(at(place), at("/w/t")).read_only()));

/// Each works on the name alone.
pub(crate) const TOUCHES: &[Touch] = &[
    touch("open a directory beneath", |ports, place| done(ports.fs.open_dir(&below(place)))),
    touch("open a directory", |ports, place| done(ports.fs.open_dir(&at(place)))),
    touch("metadata", |ports, place| done(ports.fs.metadata(&at(place), FinalSymlink::Follow))),
    touch("metadata beneath", |ports, place| done(ports.fs.metadata(&below(place), FinalSymlink::Itself))),
    touch("filesystem of", |ports, place| done(ports.mounter.filesystem_of(&below(place)))),
    MOUNT_OF,
    touch("mount of, beneath", |ports, place| done(ports.mounter.mount_of(&below(place)))),
    BIND_FROM,
    touch("bind onto it", |ports, place| bind(ports, &BindRequest::new(at("/h/data"), below(place)))),
    touch("share it", |ports, place| share(ports, &rootfs_at(place))),
    touch("ensure its share", |ports, place| ensure(ports, &volume("c7", "v", place))),
    touch("create a directory", |ports, place| done(ports.fs.create_dir(&below(place), FileMode::MOUNT_TARGET))),
    touch("remove a directory", |ports, place| done(ports.fs.remove_dir(&below(place)))),
];

fn rootfs_at(place: &str) -> Share {
    Share::rootfs(MOUNTS, &id("c7"), at(place)).unwrap().read_only()
}

/// Operations on the root of a mount that may serve another user only; each ends as on a mount that serves all.
pub(crate) const OF_A_MOUNT: &[Touch] = &[
    MOUNT_OF,
    touch("filesystem of", |ports, place| done(ports.mounter.filesystem_of(&at(place)))),
    BIND_FROM,
    touch("bind onto it", |ports, place| bind(ports, &BindRequest::new(at("/h/data"), at(place)))),
    touch("share it and unshare it", |ports, place| {
        then(rootfs_at(place).create(&ports.both()), |record| unshare_by_record(ports, &record))
    }),
    touch("share it and recover", |ports, place| {
        // By mount(2) and its like: other cases check whether the library can share it.
        let shared = BindRequest::new(at(place), Location::beneath(MOUNTS, "c8/v").unwrap());
        then(ports.mounter.bind(&shared.creating_target(FileMode::MOUNT_TARGET)), |_| recover(ports))
    }),
    touch("unmount by identity", |ports, place| {
        then(ports.mounter.mounts(), |table| {
            let key = table.mount_at(place.as_ref()).map(|row| MountKey::Reused(row.id()));
            let request = UnmountRequest::new(at(place)).with_mode(UnmountMode::Detach).only(key.unwrap());
            done(ports.mounter.unmount(&request))
        })
    }),
];

fn setup_inside() -> SandboxSetup {
    SandboxSetup::new("/sb/m", "/sb/s").unwrap().unshared(IfNotShared::MakeShared)
}

fn volume_inside() -> Share {
    Share::volume("/sb", &id("c"), "v", at("/srv/vol")).unwrap()
}

/// Questions and operations inside a chroot that may or may not be a mount point; the paths are those inside.
pub(crate) const IN_A_CHROOT: &[Touch] = &[
    touch("backing device", |ports, _| {
        then(BackingDevice::of(&ports.both(), "/srv/vol"), |found| match found {
            BackingDevice::Subtree { subpath, .. } => {
                Answer { text: subpath.display().to_string(), ..Answer::new("of a subtree") }
            }
            other => Answer::incomplete(&format!("{other:?}")),
        })
    }),
    touch("share and unshare", |ports, _| {
        then(volume_inside().create(&ports.both()), |record| unshared(record.unshare(&ports.both(), "/sb".into())))
    }),
    touch("ensure twice", |ports, _| {
        let first = ensure(ports, &volume_inside());
        if first.is_success() { ensure(ports, &volume_inside()) } else { first }
    }),
    touch("set up twice and tear down", |ports, _| {
        let twice = setup_inside().run(&ports.both()).and_then(|_| setup_inside().run(&ports.both()));
        then(twice, |dirs| reported(&TearDown::sandbox(&dirs, &[]).run(&ports.both())))
    }),
    touch("set up and recover", |ports, _| {
        let recovery = Recovery::new("/sb/m", "/sb/s").unwrap().directories_too();
        let recovered = setup_inside().run(&ports.both()).and_then(|_| recovery.reap(&ports.both()));
        then(recovered, |report| reported(&report))
    }),
];
