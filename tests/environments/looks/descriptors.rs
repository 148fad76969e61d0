//! A full table of descriptors: every call reports it, and none takes it for a fact about the machine.

use std::fmt::Debug;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::mount::{Guarantee, UnmountMode};
use mountwright_core::share::{Share, ShareRecord};
use mountwright_core::unmount::Removal;
use mountwright_core::{
    BindRequest, ContainerId, Errno, FileMode, Filesystem, Location, MountRequest, Mounter, OsError, UnmountRequest,
};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MOUNTS: &str = "/w/mounts";
const LAYOUT: &str = "dir /w/source /w/target /w/mounts; file /w/source/file text";

fn syscall_sets() -> [SyscallSet; 3] {
    [SyscallSet::ALL, SyscallSet::ALL.without(Call::Statmount).without(Call::OpenTreeAttr), SyscallSet::NONE]
}

/// Runs `act` while no descriptor may have this number or a greater one.
fn limited<T>(most: u64, act: impl FnOnce() -> T) -> T {
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: before.maximum }).unwrap();
    let done = act();
    setrlimit(Resource::Nofile, before).unwrap();
    done
}

/// The limits that are tried: from none left to enough for everything.
const LIMITS: std::ops::Range<u64> = 3..28;

type Call1 = (&'static str, fn(&LinuxBackend) -> Result<(), OsError>);

const CALLS: &[Call1] = &[
    ("bind", |b| b.bind(&BindRequest::new(at("/w/source"), at("/w/target")).read_only()).map(drop)),
    ("bind below", |b| {
        let target = Location::beneath("/w", "made/target").unwrap();
        let request = BindRequest::new(at("/w/source"), target).read_only();
        b.bind(&request.creating_target(FileMode::from_bits(0o755))).map(drop)
    }),
    ("mount", |b| b.mount(&MountRequest::new("tmpfs", at("/w/target"))).map(drop)),
    ("mounts", |b| b.mounts().map(drop)),
    ("canonicalize", |b| b.canonicalize("/w/source".as_ref()).map(drop)),
    ("mount_of", |b| b.mount_of(&at("/w")).map(drop)),
    ("origin", |b| {
        let origin = b.origin()?;
        assert!(origin.is_known(), "{origin:?}");
        Ok(())
    }),
    ("read_file", |b| b.open_dir(&at("/w/source"))?.read_file("file".as_ref(), 9).map(drop)),
    ("entries", |b| b.open_dir(&at("/w/source"))?.entries().map(drop)),
];

fn is_full(what: &str, errno: Errno, shown: impl Debug) {
    assert_eq!(errno, Errno::EMFILE, "{what}: {shown:?}");
}

fn clear() {
    furnish("clear /w/target /w/made/target /w/mounts/box/rootfs");
    for path in ["/w/made/target", "/w/made", "/w/mounts/box/rootfs", "/w/mounts/box"] {
        let _ = std::fs::remove_dir(path);
    }
}

fn share(backend: &LinuxBackend) -> ShareRecord {
    let id = ContainerId::new("box").unwrap();
    Share::rootfs(Utf8Path::new(MOUNTS), &id, at("/w/source")).unwrap().read_only().create(backend).unwrap()
}

fn each_call_is_done_or_full() {
    for (what, call) in CALLS {
        for syscalls in syscall_sets() {
            let mut done = 0;
            for most in LIMITS {
                let backend = LinuxBackend::new().with_syscalls(syscalls);
                match limited(most, || call(&backend)) {
                    Ok(()) => done += 1,
                    Err(error) => is_full(what, error.errno(), error),
                }
                clear();
            }
            assert!(done > 0, "{what} was never done");
        }
    }
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a call without a descriptor left is EMFILE, whatever it needed it for", || {
        furnish(LAYOUT);
        each_call_is_done_or_full();
    }),
    KernelCase::new("a procfs of its own that cannot be opened for want of descriptors is not taken for none", || {
        furnish(LAYOUT);
        furnish("detach /proc");
        each_call_is_done_or_full();
    })
    .for_root(),
    KernelCase::new("a bind that is atomic with descriptors is atomic or EMFILE without", || {
        furnish(LAYOUT);
        for syscalls in syscall_sets() {
            for most in LIMITS {
                for warm in [false, true] {
                    let backend = LinuxBackend::new().with_syscalls(syscalls);
                    if warm {
                        backend.mounts().unwrap();
                    }
                    let request = BindRequest::private(at("/w/source"), at("/w/target")).read_only();
                    match limited(most, || backend.bind(&request)) {
                        Ok(report) => assert_eq!(report.guarantee, Guarantee::Atomic, "{most} {warm} {syscalls:?}"),
                        Err(error) => is_full("bind", error.errno(), error),
                    }
                    clear();
                }
            }
        }
    }),
    KernelCase::new("a mount that cannot be looked at for want of descriptors is not taken for gone", || {
        furnish(LAYOUT);
        for syscalls in syscall_sets() {
            for most in LIMITS {
                let record = share(&LinuxBackend::new().with_syscalls(syscalls));
                let backend = LinuxBackend::new().with_syscalls(syscalls);
                let there = || backend.mount_of(&at("/w/mounts/box/rootfs")).is_ok_and(|found| found.is_root);
                match limited(most, || record.unshare(&backend, Utf8Path::new(MOUNTS))) {
                    Ok(Removal::Unmounted { .. }) => assert!(!there()),
                    Ok(other) => panic!("{other:?} with {most} descriptors, and the mount is there: {}", there()),
                    Err(error) => is_full("unshare", error.errno().unwrap(), error),
                }
                clear();
                let key = share(&backend).mount;
                let only = UnmountRequest::new(at("/w/mounts/box/rootfs")).only(key).with_mode(UnmountMode::Detach);
                let fresh = LinuxBackend::new().with_syscalls(syscalls);
                if let Err(error) = limited(most, || fresh.unmount(&only)) {
                    is_full("unmount", error.errno(), error);
                }
                clear();
            }
        }
        assert!(Path::new("/w/source/file").exists());
    }),
];
