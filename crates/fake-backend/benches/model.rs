//! The model: simple operations, copies of a whole machine, histories; and the ports over it.

#[path = "../../core/benches/paired/mod.rs"]
mod paired;

use std::hint::black_box;

use mountwright_core::file::FinalSymlink;
use mountwright_core::{BindRequest, Filesystem, Location, Mounter, UnmountRequest};
use mountwright_fake::{At, FakeBackend, Machine, OpenHow, Pid, abi};
use paired::{Group, Report};

const INIT: Pid = Machine::INIT;
const MOUNTS: usize = 10_000;
const INODES: usize = 100_000;
/// As many of them are in one directory.
const IN_ONE: usize = 50_000;

fn main() {
    let mut report = Report::from_args();
    let small = small_machine();
    // First: on a heap that other groups have left, glibc may consolidate its free lists at each free, which takes longer than
    // the calls.
    ports(&mut report, &small);
    simple_operations(&mut report, &small, "a small machine");
    if report.wants_area("fake") {
        let large = large_machine();
        simple_operations(&mut report, &large, "10,000 mounts, 100,000 inodes");
        copies(&mut report, &large);
    }
    history(&mut report, &small);
    report.end();
}

fn directory(machine: &mut Machine, path: &str) {
    machine.mkdirat(INIT, At::Cwd, path.as_bytes(), 0o755).expect("a new name");
}

fn file(machine: &mut Machine, path: &str) {
    machine.mknodat(INIT, At::Cwd, path.as_bytes(), abi::S_IFREG | 0o644, 0).expect("a new name");
}

fn bind(machine: &mut Machine, source: &str, target: &str) {
    let (source, target) = ((At::Cwd, source.as_bytes()), (At::Cwd, target.as_bytes()));
    machine.mount(INIT, Some(source), target, None, abi::MS_BIND, None).expect("two directories");
}

fn small_machine() -> Machine {
    let mut machine = Machine::new();
    for path in ["/a", "/a/b", "/a/b/c", "/images", "/share"] {
        directory(&mut machine, path);
    }
    file(&mut machine, "/a/b/c/file");
    bind(&mut machine, "/images", "/a/b");
    for path in ["/a/b/c", "/a/b/c/d"] {
        directory(&mut machine, path);
    }
    file(&mut machine, "/a/b/c/d/file");
    machine
}

fn large_machine() -> Machine {
    let mut machine = small_machine();
    directory(&mut machine, "/large");
    for at in 0..IN_ONE {
        file(&mut machine, &format!("/large/file{at:06}"));
    }
    directory(&mut machine, "/crowd");
    // Of its own mount: here as on Linux a bind looks through what is mounted on its source's mount.
    bind(&mut machine, "/crowd", "/crowd");
    directory(&mut machine, "/tree");
    for at in 0..MOUNTS {
        directory(&mut machine, &format!("/crowd/{at:05}"));
        bind(&mut machine, "/images", &format!("/crowd/{at:05}"));
    }
    for at in 0..INODES - IN_ONE - MOUNTS {
        if at % 400 == 0 {
            directory(&mut machine, &format!("/tree/{:03}", at / 400));
        }
        file(&mut machine, &format!("/tree/{:03}/{at:05}", at / 400));
    }
    machine
}

fn simple_operations(report: &mut Report, machine: &Machine, which: &str) {
    // Each variant has a copy of its own: what is written to is shared with none, as in a test.
    let copy = || {
        let mut copy = machine.clone();
        let dir = copy.openat(INIT, At::Cwd, b"/a/b/c", abi::O_PATH | abi::O_DIRECTORY, 0).expect("it is there");
        (copy, At::Fd(dir))
    };
    let [(mut by_path, _), (mut by_name, dir), (mut opened, _), (mut made, _), (mut bound, _)] =
        std::array::from_fn(|_| copy());
    let beneath = OpenHow { flags: abi::O_PATH.into(), mode: 0, resolve: abi::RESOLVE_BENEATH };
    let rate = 1e6;
    Group::new(format!("fake, simple operations, {which}"))
        .units(1.0, "operation")
        .variant("statx of a path of four names", || {
            by_path.statx(INIT, At::Cwd, black_box(b"/a/b/c/d"), 0, abi::STATX_BASIC_STATS).expect("it is there")
        })
        .variant("statx of a name in a directory", || {
            by_name.statx(INIT, dir, black_box(b"d"), 0, abi::STATX_BASIC_STATS).expect("it is there")
        })
        .variant("openat2 below, and close", || {
            let fd = opened.openat2(INIT, dir, black_box(b"d/file"), beneath).expect("it is there");
            opened.close(INIT, fd).expect("open");
        })
        .variant("mkdirat and unlinkat", || {
            made.mkdirat(INIT, dir, black_box(b"new"), 0o755).expect("a new name");
            made.unlinkat(INIT, dir, b"new", abi::AT_REMOVEDIR).expect("empty");
        })
        .variant("bind and umount2", || {
            bind(&mut bound, "/images", "/share");
            bound.umount2(INIT, At::Cwd, b"/share", 0).expect("not in use");
        })
        .rate_at_least("statx of a path of four names", rate)
        .rate_at_least("statx of a name in a directory", rate)
        // Each of these is two operations.
        .rate_at_least("openat2 below, and close", rate / 2.0)
        .rate_at_least("mkdirat and unlinkat", rate / 2.0)
        .rate_at_least("bind and umount2", rate / 2.0)
        .run(report);
}

fn copies(report: &mut Report, machine: &Machine) {
    let fill = |machine: &mut Machine, path: &str| file(machine, path);
    let millisecond = 1e6;
    Group::new("fake, copies of 10,000 mounts and 100,000 inodes, 50,000 in one directory")
        .units(1.0, "copy")
        .variant("clone", || machine.clone())
        .variant_with(
            "clone and a first file",
            || (),
            |()| {
                let mut copy = machine.clone();
                fill(&mut copy, "/a/new");
                copy
            },
        )
        .variant_with(
            "clone and a first file in the large directory",
            || (),
            |()| {
                let mut copy = machine.clone();
                fill(&mut copy, "/large/new");
                copy
            },
        )
        .variant_with(
            "clone and a first bind",
            || (),
            |()| {
                let mut copy = machine.clone();
                bind(&mut copy, "/images", "/share");
                copy
            },
        )
        .variant_with(
            "clone and a first umount in the crowd",
            || (),
            |()| {
                let mut copy = machine.clone();
                copy.umount2(INIT, At::Cwd, b"/crowd/05000", 0).expect("not in use");
                copy
            },
        )
        .nanos_at_most("clone and a first file", millisecond)
        .nanos_at_most("clone and a first file in the large directory", millisecond)
        .nanos_at_most("clone and a first bind", millisecond)
        .nanos_at_most("clone and a first umount in the crowd", millisecond)
        .run(report);
}

fn history(report: &mut Report, machine: &Machine) {
    Group::new("fake, a history of 1,000 steps")
        .units(1000.0, "step")
        .variant("make, bind, look, remount, unmount, remove", || {
            let mut machine = machine.clone();
            for at in 0..166 {
                let path = format!("/share/{at}");
                directory(&mut machine, &path);
                bind(&mut machine, "/images", &path);
                let there = machine.statx(INIT, At::Cwd, path.as_bytes(), 0, abi::STATX_MNT_ID).expect("it is there");
                black_box(there);
                let (target, flags) = ((At::Cwd, path.as_bytes()), abi::MS_REMOUNT | abi::MS_BIND | abi::MS_RDONLY);
                machine.mount(INIT, None, target, None, flags, None).expect("mounted");
                machine.umount2(INIT, At::Cwd, path.as_bytes(), 0).expect("not in use");
                machine.unlinkat(INIT, At::Cwd, path.as_bytes(), abi::AT_REMOVEDIR).expect("empty");
            }
            machine
        })
        .run(report);
}

/// Through the Linux backend, by a handle that nothing is planned for and by one with a journal.
fn ports(report: &mut Report, machine: &Machine) {
    let at = Location::trusted;
    let [plain, planned] = [machine, machine].map(|machine| FakeBackend::from(machine.clone()));
    let plain = plain.unobserved();
    let (directory, share) = (at("/a/b/c/d"), at("/share"));
    let (bind, unmount) = (BindRequest::new(at("/images"), at("/share")), UnmountRequest::new(at("/share")));
    let bind_and_unmount = |host: &FakeBackend| {
        host.bind(black_box(&bind)).expect("two directories");
        host.unmount(black_box(&unmount)).expect("not in use");
    };
    let mut calls = 0;
    Group::new("fake, calls at the ports")
        .units(1.0, "call")
        .variant("metadata", || plain.metadata(black_box(&directory), FinalSymlink::Follow).expect("it is there"))
        .variant("filesystem_of", || plain.filesystem_of(black_box(&share)).expect("it is there"))
        .variant("mount_of", || plain.mount_of(black_box(&share)).expect("it is there"))
        .variant("bind and unmount", || bind_and_unmount(&plain))
        .variant("bind and unmount, in the journal", || {
            bind_and_unmount(&planned);
            calls += 1;
            if calls % 1000 == 0 {
                planned.clear_journal();
            }
        })
        .rate_at_least("metadata", 1.5e6)
        .rate_at_least("filesystem_of", 1.5e6)
        .rate_at_least("bind and unmount", 250e3)
        .run(report);
}
