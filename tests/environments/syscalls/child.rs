//! The child: sets the machine up, runs each operation once as preparation, and once more between two marks.

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::kubernetes::fs_group::{FsGroupOutcome, FsGroupRequest};
use mountwright_core::kubernetes::{EmptyDirMedium, FileCount};
use mountwright_core::mount::UnmountMode;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::spec::{FsGroup, FsGroupChangePolicy};
use mountwright_core::{BindRequest, ContainerId, Location, Mounter, Propagation, UnmountRequest};
use mountwright_linux::LinuxBackend;
use mountwright_tests::machine::furnish;
use mountwright_tests::settings::Settings;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::{Signal, getpid, getppid, kill_process};

use crate::asking::{QUESTIONS, Question, TIMES};
use crate::budget::BUDGETS;

pub(crate) const EMPTY_DIR: &str = "/tmp/pods/1-2/volumes/kubernetes.io~empty-dir/cache";

/// Does everything among this many other mounts.
pub(crate) fn act(crowd: usize) {
    // Of a million names.
    rustix::mount::mount("t", "/tmp", "tmpfs", MountFlags::empty(), c"mode=755,nr_inodes=0").unwrap();
    // Apart from the measured mounts: the kernel copies a mount in a time that grows with the mounts on it.
    furnish("tmpfs:t /tmp/crowd; dir /tmp/crowd/source");
    for number in 0..crowd {
        furnish(&format!("bind /tmp/crowd/source /tmp/crowd/{number}"));
    }
    let counted = Counted { backend: LinuxBackend::new() };
    Counted::prepare();
    for budget in BUDGETS {
        counted.once(budget.what, || ());
        counted.once(budget.what, look);
    }
    for question in QUESTIONS {
        asked_often(question, || ());
        asked_often(question, look);
    }
}

/// From here to the second mark the parent counts every call.
fn look() {
    kill_process(getpid(), Signal::STOP).unwrap();
}

/// Asks once, and this many times more, each between two marks.
fn asked_often(question: &Question, ready: impl Fn()) {
    for times in [1, TIMES] {
        ready();
        between_marks(|| question.ask(times));
        if let Some(place) = question.mounts_on {
            for _ in 0..times {
                rustix::mount::unmount(place, UnmountFlags::DETACH).unwrap();
            }
        }
    }
}

/// The call that the parent recognizes: nothing else in here makes it.
fn mark() {
    let _ = getppid();
}

fn between_marks<T>(act: impl FnOnce() -> T) -> T {
    mark();
    let answer = act();
    mark();
    answer
}

struct Counted {
    backend: LinuxBackend,
}

impl Counted {
    fn prepare() {
        furnish("dir /tmp/root/a/target /tmp/source /tmp/mounts /tmp/asked /tmp/many; file /tmp/file");
        furnish(&format!("tmpfs:t /tmp/shared /tmp/origin {EMPTY_DIR}; shared /tmp/shared /tmp/origin"));
        furnish("dir /tmp/shared/target; bind /tmp/shared /tmp/peer");
        let many = if Settings::read().long { 1_000_000 } else { 100_000 };
        for number in 0..many {
            std::fs::hard_link("/tmp/file", format!("/tmp/many/{number}")).unwrap();
        }
    }

    /// Runs the operation, with `ready` right before the first mark, and then undoes it.
    fn once(&self, what: &str, ready: impl FnOnce()) {
        let (b, at) = (&self.backend, |path: &str| Location::trusted(path));
        let below = Location::beneath("/tmp/root", "a/target").unwrap();
        let bind = |target: Location| {
            BindRequest::new(at("/tmp/source"), target).read_only().propagation(Propagation::Private)
        };
        let detach = |place: Location| UnmountRequest::new(place).with_mode(UnmountMode::Detach);
        let (mounts, id) = (Utf8Path::new("/tmp/mounts"), ContainerId::new("box").unwrap());
        match what {
            "mount look-up" => {
                ready();
                assert!(!between_marks(|| b.mount_of(&at("/tmp/root/a"))).unwrap().is_root);
            }
            "mount look-up below a root" => {
                ready();
                assert!(!between_marks(|| b.mount_of(&below)).unwrap().is_root);
            }
            "memory-emptyDir question" => {
                ready();
                let medium = between_marks(|| EmptyDirMedium::of(b, Utf8Path::new(EMPTY_DIR))).unwrap();
                assert_eq!(medium, Some(EmptyDirMedium::Memory));
            }
            "count with limit 8" => {
                ready();
                let count = between_marks(|| FileCount::below(b, Path::new("/tmp/many"), 8)).unwrap();
                assert_eq!(count, FileCount::Over(8));
            }
            "read-only private bind" => {
                ready();
                between_marks(|| b.bind(&bind(at("/tmp/root/a/target")))).unwrap();
                b.unmount(&UnmountRequest::new(at("/tmp/root/a/target"))).unwrap();
            }
            "read-only private bind below a root" => {
                ready();
                between_marks(|| b.bind(&bind(below.clone()))).unwrap();
                b.unmount(&UnmountRequest::new(below)).unwrap();
            }
            "private bind below a shared mount" | "slave bind below a shared mount" => {
                let propagation = if what.starts_with("slave") { Propagation::Slave } else { Propagation::Private };
                let target = Location::beneath("/tmp/shared", "target").unwrap();
                let bind = BindRequest::new(at("/tmp/origin"), target.clone()).read_only().propagation(propagation);
                ready();
                between_marks(|| b.bind(&bind)).unwrap();
                b.unmount(&UnmountRequest::new(target)).unwrap();
            }
            "unmount below a root" => {
                b.bind(&bind(below.clone())).unwrap();
                ready();
                between_marks(|| b.unmount(&detach(below))).unwrap();
            }
            "unmount of one given mount" => {
                let mount = b.bind(&bind(below.clone())).unwrap().mount;
                ready();
                between_marks(|| b.unmount(&detach(below).only(mount))).unwrap();
            }
            "share of a rootfs" => {
                ready();
                between_marks(|| {
                    Share::rootfs(mounts, &id, at("/tmp/source")).and_then(|share| share.read_only().create(b))
                })
                .unwrap();
                ShareName::Rootfs.unshare(b, mounts, &id).unwrap();
            }
            "unshare of a rootfs" => {
                Share::rootfs(mounts, &id, at("/tmp/source")).unwrap().read_only().create(b).unwrap();
                ready();
                let outcome = between_marks(|| ShareName::Rootfs.unshare(b, mounts, &id)).unwrap();
                assert!(!Path::new("/tmp/mounts/box").exists(), "{outcome:?}");
            }
            "build of the default root of a container" => {
                if may_create_devices() {
                    build_root(b, ready);
                } else {
                    ready();
                    between_marks(|| ());
                }
            }
            "fsGroup of ten files that change" => {
                volume(Files::Plain);
                give_group(b, ready);
            }
            "fsGroup of ten files with capabilities" => {
                volume(Files::WithCapabilities);
                give_group(b, ready);
            }
            "fsGroup of ten files with set-group-id" => {
                volume(Files::SetGroupId);
                give_group(b, ready);
            }
            "fsGroup of ten files, every second right" => {
                volume(Files::EverySecondRight);
                give_group(b, ready);
            }
            "fsGroup of ten files that are right" => {
                volume(Files::Plain);
                give_group(b, || ());
                give_group(b, ready);
            }
            other => panic!("{other}: nobody knows how"),
        }
    }
}

fn may_create_devices() -> bool {
    let made = rustix::fs::mknodat(
        rustix::fs::CWD,
        "/tmp/device",
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::empty(),
        rustix::fs::makedev(1, 3),
    );
    made.is_ok() && std::fs::remove_file("/tmp/device").is_ok()
}

/// Builds the root in an image that has its mount points, without a umask, as runtimes do.
fn build_root(b: &LinuxBackend, ready: impl FnOnce()) {
    furnish("dir /tmp/image/dev /tmp/image/proc /tmp/image/sys");
    let mut spec = mountwright_tests::container_spec::default_spec();
    spec["root"]["path"] = "/tmp/image".into();
    let config = serde_json::from_value(spec).unwrap();
    let plan = mountwright_core::rootfs::RootfsPlan::from_config(&config, "/tmp".into()).unwrap();
    let umask = rustix::process::umask(rustix::fs::Mode::empty());
    ready();
    between_marks(|| plan.build(b, None)).unwrap();
    rustix::process::umask(umask);
    b.unmount(&UnmountRequest::new(Location::trusted("/tmp/image")).with_mode(UnmountMode::Detach)).unwrap();
}

const VOLUME: &str = "/tmp/volume";

/// The files of a volume before they have the group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// Two of ten are programs.
    Plain,
    WithCapabilities,
    SetGroupId,
    EverySecondRight,
}

const GROUP: u32 = 1;

/// A volume of ten files.
fn volume(files: Files) {
    let reset = |path: &str, gid, mode| {
        std::os::unix::fs::chown(path, None, Some(gid)).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir_all(VOLUME).unwrap();
    for number in 0..10 {
        let path = format!("{VOLUME}/{number}");
        std::fs::write(&path, "").unwrap();
        match files {
            Files::Plain => reset(&path, 0, if number < 2 { 0o755 } else { 0o644 }),
            Files::WithCapabilities => {
                reset(&path, 0, 0o755);
                let net_bind = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                rustix::fs::setxattr(&path, "security.capability", &net_bind, rustix::fs::XattrFlags::empty()).unwrap();
            }
            Files::SetGroupId => reset(&path, 0, 0o2755),
            Files::EverySecondRight if number % 2 == 0 => reset(&path, 0, 0o644),
            Files::EverySecondRight => reset(&path, GROUP, 0o660),
        }
    }
    reset(VOLUME, 0, 0o755);
}

fn give_group(b: &LinuxBackend, ready: impl FnOnce()) {
    let request = FsGroupRequest::new(FsGroup { gid: GROUP, policy: FsGroupChangePolicy::Always });
    let at = Location::trusted(VOLUME);
    ready();
    let outcome = between_marks(|| request.apply(b, &at, &mut |_| ControlFlow::Continue(())));
    assert!(matches!(outcome, Ok(FsGroupOutcome::Applied(_))), "{outcome:?}");
}
