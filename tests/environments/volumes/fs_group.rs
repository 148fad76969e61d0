//! Giving a volume's files their group, on the kernel.

use std::ops::ControlFlow;
use std::os::fd::OwnedFd;

use mountwright_core::Errno;
use mountwright_core::kubernetes::fs_group::{FsGroupError, FsGroupOutcome, FsGroupReport, FsGroupRequest};
use mountwright_core::spec::{FsGroup, FsGroupChangePolicy};
use mountwright_fake::test_kit::Interposed;
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::machine::{furnish, open_descriptors};
use rustix::fs::{Mode, OFlags};

use crate::Case;
use crate::scene::Scene;

pub(crate) const CASES: &[Case] = &[
    ("fs_group: everything gets the group and the bits of its kind", everything),
    ("fs_group: read-only adds no write bit", read_only_access),
    ("fs_group: a nested mount and a bound file are left alone", nested_mounts),
    ("fs_group: a root that is a symlink is followed, and the link stays", symlinked_root),
    ("fs_group: a tree deeper than a path can be is changed with few descriptors", deep_tree),
    ("fs_group: ten times the depth takes less than twelve times the system calls", linear_depth),
    ("fs_group: set-id bits, which the kernel clears, are set again", set_id_bits),
    ("fs_group: a second run writes nothing", second_run),
    ("fs_group: a read-only mount ends it at once", read_only_mount),
    ("fs_group: cancelled, the root stays, and a later run does the rest", cancelled),
];

pub(crate) const GID: u32 = 4321;
pub(crate) const ALWAYS: FsGroupRequest =
    FsGroupRequest::new(FsGroup { gid: GID, policy: FsGroupChangePolicy::Always });
pub(crate) const MISMATCH: FsGroupRequest =
    FsGroupRequest::new(FsGroup { gid: GID, policy: FsGroupChangePolicy::OnRootMismatch });

pub(crate) fn run(scene: &Scene, volume: &str, request: &FsGroupRequest) -> Result<FsGroupOutcome, FsGroupError> {
    request.apply(&scene.backend, &scene.location(volume), &mut |_| ControlFlow::Continue(()))
}

#[track_caller]
pub(crate) fn applied(scene: &Scene, request: &FsGroupRequest) -> FsGroupReport {
    match run(scene, "v", request) {
        Ok(FsGroupOutcome::Applied(report)) => report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_shown(scene: &Scene, expected: &[(&str, &str)]) {
    for (path, mode_and_group) in expected {
        let expected = mode_and_group.replace('G', &GID.to_string());
        assert_eq!(scene.shown(path), expected, "{path}");
    }
}

fn set_up() {
    furnish("dir:700 outside; file:600 outside/secret; dir v; file:600 v/f x; dir:700 v/d; file:711 v/d/tool");
    furnish("dir:1777 v/d/sticky; link ../outside/secret v/to-file; link ../outside v/to-directory; fifo v/fifo");
    furnish("socket v/socket; char 1:3 v/null; chmod 600 v/fifo v/socket v/null");
}

fn everything(scene: &Scene) {
    set_up();
    let at = scene.location("v");
    assert_eq!(FsGroupRequest::new(MISMATCH.group).needs_change(&scene.backend, &at), Ok(true));
    let report = applied(scene, &MISMATCH);
    assert_eq!((report.examined, report.changed, report.failed), (10, 10, 0));
    assert_shown(
        scene,
        &[
            ("v", "2775 G"),
            ("v/f", "660 G"),
            ("v/d", "2770 G"),
            ("v/d/tool", "771 G"),
            ("v/d/sticky", "3777 G"),
            ("v/to-file", "777 G"),
            ("v/to-directory", "777 G"),
            ("v/fifo", "660 G"),
            ("v/socket", "660 G"),
            ("v/null", "660 G"),
            ("outside", "700 0"),
            ("outside/secret", "600 0"),
        ],
    );
    assert_eq!(FsGroupRequest::new(MISMATCH.group).needs_change(&scene.backend, &at), Ok(false));
    // A file created there from now on has the group.
    furnish("file:600 v/d/later");
    assert_shown(scene, &[("v/d/later", "600 G")]);
}

fn read_only_access(scene: &Scene) {
    set_up();
    applied(scene, &ALWAYS.read_only());
    assert_shown(scene, &[("v", "2755 G"), ("v/f", "640 G"), ("v/d", "2750 G"), ("v/d/tool", "751 G")]);
}

fn nested_mounts(scene: &Scene) {
    set_up();
    furnish("dir:700 v/mount; tmpfs:volume v/mount; chmod 700 v/mount; file:600 v/mount/f; dir other");
    furnish("tmpfs:volume other; file:600 other/f; file:600 v/bound; bind other/f v/bound");
    let report = applied(scene, &ALWAYS);
    assert_eq!(report.other_mounts, 2);
    assert_shown(scene, &[("v/mount", "700 0"), ("v/mount/f", "600 0"), ("v/bound", "600 0"), ("other/f", "600 0")]);
    assert_shown(scene, &[("v", "2775 G"), ("v/f", "660 G")]);
}

fn symlinked_root(scene: &Scene) {
    set_up();
    furnish("link v link");
    let at = scene.location("link");
    assert_eq!(FsGroupRequest::new(MISMATCH.group).needs_change(&scene.backend, &at), Ok(true));
    let outcome = MISMATCH.apply(&scene.backend, &at, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(outcome, Ok(FsGroupOutcome::Applied(_))), "{outcome:?}");
    assert_shown(scene, &[("link", "777 0"), ("v", "2775 G"), ("v/f", "660 G")]);
    assert_eq!(FsGroupRequest::new(MISMATCH.group).needs_change(&scene.backend, &at), Ok(false));
}

const LEVELS: usize = 2500;

fn open_dir(above: &OwnedFd, name: &str) -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(above, name, flags, Mode::empty()).expect("it can be opened")
}

/// A directory in a directory, each with a neighbour on either side of its name, so that the way back up is not empty.
fn make_deep(scene: &Scene, top: &str, levels: usize) {
    furnish(&format!("dir:700 {top}"));
    let root = std::fs::File::open(scene.path(top)).expect("it can be opened").into();
    let mut here: OwnedFd = root;
    for _ in 0..levels {
        for name in ["a", "d", "z"] {
            rustix::fs::mkdirat(&here, name, Mode::from_raw_mode(0o700)).expect("it can be made");
        }
        here = open_dir(&here, "d");
    }
}

/// 800 levels, and ten times that.
fn linear_depth(scene: &Scene) {
    let calls = [800, 8000].map(|levels| {
        let top = format!("v{levels}");
        make_deep(scene, &top, levels);
        let backend = LinuxBackend::over(Interposed::new(Linux::new(), ()));
        let outcome = ALWAYS.apply(&backend, &scene.location(&top), &mut |_| ControlFlow::Continue(()));
        let Ok(FsGroupOutcome::Applied(report)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(report.changed, 3 * levels as u64 + 1);
        backend.kernel().calls_made()
    });
    println!("fsGroup: {} system calls for 800 levels, {} for 8,000", calls[0], calls[1]);
    assert!(calls[1] < 12 * calls[0], "{calls:?}");
}

fn deep_tree(scene: &Scene) {
    make_deep(scene, "v", LEVELS);
    let before = open_descriptors();
    let mut most = 0;
    let outcome = ALWAYS.apply(&scene.backend, &scene.location("v"), &mut |progress| {
        if progress.examined.is_multiple_of(16) {
            most = most.max(open_descriptors() - before);
        }
        ControlFlow::Continue(())
    });
    let Ok(FsGroupOutcome::Applied(report)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(report.changed, 3 * LEVELS as u64 + 1);
    assert!((17..=20).contains(&most), "{most} descriptors");
    assert_eq!(open_descriptors(), before);
    let root = std::fs::File::open(scene.path("v")).expect("it can be opened").into();
    let mut here: OwnedFd = root;
    for level in 0..LEVELS {
        for name in ["a", "z"] {
            let found = rustix::fs::statat(&here, name, rustix::fs::AtFlags::empty()).expect("it is there");
            assert_eq!((found.st_gid, found.st_mode & 0o7777), (GID, 0o2770), "{name} at {level}");
        }
        here = open_dir(&here, "d");
    }
}

fn set_id_bits(scene: &Scene) {
    furnish("file:6755 v/control; file:4755 v/suid; file:6755 v/both; dir:2700 v/d; chown 0:99 v/control");
    assert_eq!(scene.shown("v/control"), "755 99", "the kernel takes set-id bits");
    applied(scene, &ALWAYS);
    assert_shown(scene, &[("v/suid", "4775 G"), ("v/both", "6775 G"), ("v/d", "2770 G"), ("v/control", "775 G")]);
}

fn second_run(scene: &Scene) {
    set_up();
    applied(scene, &ALWAYS);
    let paths = ["v", "v/f", "v/d", "v/d/tool", "v/d/sticky", "v/to-file", "v/fifo", "v/null"];
    let before = paths.map(|path| scene.change_time(path));
    // The clock of the filesystem advances by a tick.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let report = applied(scene, &ALWAYS);
    assert_eq!((report.examined, report.changed), (10, 0));
    assert_eq!(paths.map(|path| scene.change_time(path)), before);
    assert_eq!(run(scene, "v", &MISMATCH), Ok(FsGroupOutcome::NotNeeded));
}

fn read_only_mount(scene: &Scene) {
    set_up();
    furnish("bind v v");
    furnish("read-only v");
    for request in [ALWAYS, MISMATCH.despite_failures()] {
        let Err(FsGroupError::Incomplete { report, source, .. }) = run(scene, "v", &request) else { panic!() };
        assert_eq!((source.errno(), report.examined, report.root_done), (Errno::EROFS, 1, false));
    }
    assert_shown(scene, &[("v", "755 0"), ("v/f", "600 0"), ("v/d", "700 0")]);
}

fn cancelled(scene: &Scene) {
    for after in 1..10 {
        furnish(&format!("dir {after}; tmpfs:volume {after}"));
        let here = format!("{after}/v");
        for name in ["a", "b", "c"] {
            furnish(&format!("file:600 {here}/{name}/f; file:600 {here}/{name}-f"));
        }
        let stop = &mut |progress: &FsGroupReport| {
            if progress.examined == after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let at = scene.location(&here);
        let outcome = MISMATCH.apply(&scene.backend, &at, stop);
        assert!(matches!(outcome, Ok(FsGroupOutcome::Cancelled(_))), "{outcome:?}");
        assert_shown(scene, &[(&here, "755 0")]);
        let rest = MISMATCH.apply(&scene.backend, &at, &mut |_| ControlFlow::Continue(()));
        let Ok(FsGroupOutcome::Applied(report)) = rest else { panic!("{rest:?}") };
        assert_eq!((report.examined, report.changed), (10, 10 - after));
        assert_shown(scene, &[(&here, "2775 G"), (&format!("{here}/a/f"), "660 G"), (&format!("{here}/c-f"), "660 G")]);
    }
}
