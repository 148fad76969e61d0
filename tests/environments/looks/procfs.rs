//! A procfs that is missing, false, or partly covered.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::mount::{RootChange, RootRequest};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::share::Share;
use mountwright_core::unmount::Removal;
use mountwright_core::{BindRequest, ContainerId, Errno, Filesystem, MountInfo, MountRequest, Mounter, OsError};
use mountwright_linux::{Call, Linux, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish, open_descriptors};
use mountwright_tests::namespace::enter_on_this_thread;
use rustix::fs::{Mode, OFlags};

/// With a procfs of its own, and with the one at `/proc` alone.
fn at_proc_only() -> LinuxBackend {
    LinuxBackend::over(Linux::new().with_procfs_at_proc_only())
}

fn no_proc() {
    furnish("detach /proc");
}

fn proc_again() {
    furnish("clear /proc; mount proc proc /proc");
}

/// A directory or file of the test's own over a name of this thread's in procfs.
fn cover(name: &str) {
    let place = Path::new("/proc/thread-self").join(name);
    let fake = Path::new("/run/fake").join(name);
    if place.is_dir() {
        std::fs::create_dir_all(&fake).unwrap();
    } else {
        std::fs::create_dir_all("/run/fake").unwrap();
        std::fs::write(&fake, "1 0 8:1 / / rw - ext4 a rw\n").unwrap();
    }
    rustix::mount::mount_bind(fake, place).unwrap();
}

/// Each makes `/proc` missing or false.
const MISSING: &[(&str, fn())] =
    &[("no /proc", no_proc), ("a tmpfs at /proc", || furnish("mount tmpfs t /proc; dir /proc/thread-self/fd"))];

/// Each makes the links of descriptors false.
const COVERED: &[(&str, fn())] = &[
    ("a directory over fd", || cover("fd")),
    ("the links of another process over fd", || furnish("bind /proc/1/fd /proc/thread-self/fd")),
];

const LAYOUT: &str = "dir /w/source /w/target /w/mounts";

/// Returns the functions that hide procfs, each with true if the whole of `/proc` is missing.
fn all() -> impl Iterator<Item = (bool, &'static (&'static str, fn()))> {
    MISSING.iter().map(|make| (true, make)).chain(COVERED.iter().map(|make| (false, make)))
}

/// Shares and unshares, and checks the mounts below `/w` in between and at the end.
fn share_and_unshare(backend: &LinuxBackend) {
    let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
    let record = Share::rootfs(mounts, &id, at("/w/source")).unwrap().read_only().create(backend).unwrap();
    assert!(backend.find_mount(record.mount).is_ok());
    let outcome = record.unshare(backend, mounts).unwrap();
    assert!(matches!(outcome, Removal::Unmounted { .. }), "{outcome:?}");
    assert!(backend.find_mount(record.mount).is_err() && !Path::new("/w/mounts/box").exists());
}

fn mounts_below(path: &str) -> Vec<MountInfo> {
    let table = LinuxBackend::new().mounts().unwrap();
    table.iter().map(|row| row.to_info()).filter(|row| row.mount_point.starts_with(path)).collect()
}

fn says_procfs<T: std::fmt::Debug>(call: &str, result: Result<T, OsError>) {
    let error = result.expect_err(call);
    assert_eq!((error.errno(), error.step()), (Errno::EOPNOTSUPP, Some("procfs")), "{call}: {error}");
    assert!(error.to_string().ends_with("mount a procfs on /proc"), "{error}");
}

/// The descriptors of this thread that lead to a root of a procfs.
fn kept() -> Vec<OwnedFd> {
    let names = std::fs::read_dir("/proc/thread-self/fd").unwrap();
    let numbers: Vec<i32> = names.map(|name| name.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    let root_of_procfs = |number: &i32| {
        let path = format!("/proc/thread-self/fd/{number}");
        let magic = rustix::fs::statfs(&path).is_ok_and(|found| found.f_type == 0x9fa0);
        magic && rustix::fs::stat(&path).is_ok_and(|found| found.st_ino == 1)
    };
    let again = |number: i32| {
        let path = format!("/proc/thread-self/fdinfo/{number}");
        let flags = std::fs::read_to_string(path).unwrap();
        let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        let flags = u32::from_str_radix(flags, 8).unwrap();
        assert!(flags & OFlags::CLOEXEC.bits() != 0, "descriptor {number} is inherited by programs");
        rustix::fs::open(format!("/proc/thread-self/fd/{number}"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .unwrap()
    };
    let roots: Vec<_> = numbers.into_iter().filter(root_of_procfs).collect();
    roots.into_iter().map(again).collect()
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("with a procfs of its own a backend shares and unshares whatever /proc is", || {
        furnish(LAYOUT);
        for (what, make) in MISSING.iter().chain(COVERED) {
            make();
            for syscalls in [SyscallSet::ALL, SyscallSet::ALL.without(Call::Statmount), SyscallSet::NONE] {
                let backend = LinuxBackend::new().with_syscalls(syscalls);
                println!("{what}, {syscalls:?}");
                share_and_unshare(&backend);
                assert_eq!(backend.canonicalize("/w/source".as_ref()).unwrap(), Path::new("/w/source"));
                assert!(backend.origin().unwrap().is_known());
            }
            proc_again();
        }
    })
    .for_root(),
    KernelCase::new("without any procfs nothing is mounted, and the error says what is missing", || {
        furnish(LAYOUT);
        for (missing, (what, make)) in all() {
            make();
            for syscalls in [SyscallSet::ALL, SyscallSet::NONE] {
                println!("{what}, {syscalls:?}");
                let backend = at_proc_only().with_syscalls(syscalls);
                let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
                says_procfs("bind", backend.bind(&BindRequest::new(at("/w/source"), at("/w/target"))));
                says_procfs("mount", backend.mount(&MountRequest::new("tmpfs", at("/w/target"))));
                says_procfs("move_mount", backend.move_mount(&at("/w"), &at("/run")));
                says_procfs("canonicalize", backend.canonicalize("/w/source".as_ref()));
                let error =
                    Share::rootfs(mounts, &id, at("/w/source")).unwrap().read_only().create(&backend).unwrap_err();
                assert!(error.left().is_empty(), "{error}");
                if missing {
                    says_procfs("mounts", backend.mounts());
                    let origin = backend.origin().unwrap();
                    assert_eq!((origin.boot, origin.namespace), (None, None));
                }
            }
            proc_again();
            assert_eq!(mounts_below("/w").len(), 1, "{what}");
        }
    })
    .for_root(),
    KernelCase::new("a file that is bound over mountinfo or fdinfo is not believed", || {
        for name in ["mountinfo", "fdinfo"] {
            cover(name);
            let own = LinuxBackend::new();
            let table = own.mounts().unwrap();
            assert!(table.mount_at("/w".as_ref()).is_some(), "the table is the kernel's");
            if name == "mountinfo" {
                says_procfs(name, at_proc_only().mounts());
                says_procfs(name, at_proc_only().with_syscalls(SyscallSet::NONE).mounts());
            }
            furnish(&format!("detach /proc/thread-self/{name}"));
        }
    })
    .for_root(),
    KernelCase::new("what is mounted over /proc later is noticed", || {
        furnish(LAYOUT);
        for (what, make) in MISSING.iter().chain(COVERED) {
            println!("{what}");
            let (own, at_proc) = (LinuxBackend::new(), at_proc_only());
            share_and_unshare(&own);
            share_and_unshare(&at_proc);
            make();
            share_and_unshare(&own);
            let id = ContainerId::new("box").unwrap();
            let mounts = Utf8Path::new("/w/mounts");
            // It existed when the backend first checked; a mount made now can be unmounted after it exists again.
            let record =
                Share::rootfs(mounts, &id, at("/w/source")).and_then(|share| share.read_only().create(&at_proc));
            if let Ok(record) = record {
                let refused = record.unshare(&at_proc, mounts).unwrap_err();
                assert_eq!(refused.errno(), Some(Errno::EOPNOTSUPP), "{refused}");
                proc_again();
                record.unshare(&at_proc, mounts).unwrap();
            }
            proc_again();
        }
    })
    .for_root(),
    KernelCase::new("the boot id is not read where a file is bound over it", || {
        let known = LinuxBackend::new().origin().unwrap();
        std::fs::write("/run/boot_id", "00000000-0000-4000-8000-000000000000\n").unwrap();
        furnish("bind /run/boot_id /proc/sys/kernel/random/boot_id");
        assert_eq!(LinuxBackend::new().origin().unwrap(), known);
        let at_proc = at_proc_only().origin().unwrap();
        assert_eq!((at_proc.boot, at_proc.namespace), (None, known.namespace));
    })
    .for_root(),
    KernelCase::new("another mount namespace of the same boot has another origin", || {
        let here = LinuxBackend::new().origin().unwrap();
        // Before 6.11 its inode number is used again once it has ended.
        let _kept = std::fs::File::open("/proc/thread-self/ns/mnt").unwrap();
        mountwright_tests::namespace::enter_on_this_thread().unwrap();
        let there = LinuxBackend::new().origin().unwrap();
        assert_eq!(here.boot, there.boot);
        assert_ne!(here.namespace, there.namespace);
    }),
    KernelCase::new("the descriptor of the procfs is close-on-exec, one for all clones, and closed on request", || {
        assert!(kept().is_empty());
        for backend in [LinuxBackend::new(), at_proc_only()] {
            backend.mounts().unwrap();
            let clone = backend.clone();
            clone.canonicalize("/w".as_ref()).unwrap();
            assert_eq!(kept().len(), 1);
            clone.close_procfs();
            assert!(kept().is_empty());
            backend.mounts().unwrap();
            assert_eq!(kept().len(), 1);
            drop((backend, clone));
            assert!(kept().is_empty());
        }
    }),
    KernelCase::new("a descriptor whose number names another file by now is neither believed nor closed", || {
        let backend = LinuxBackend::new();
        backend.mounts().unwrap();
        let path = |number: i32| format!("/proc/thread-self/fd/{number}");
        let number = (0..64).find(|&number| {
            rustix::fs::statfs(path(number)).is_ok_and(|found| found.f_type == 0x9fa0)
                && rustix::fs::stat(path(number)).is_ok_and(|found| found.st_ino == 1)
        });
        let number = number.expect("the backend keeps one");
        // As a daemon that closes all descriptors and opens others: another procfs, even.
        furnish("mount tmpfs t /run");
        let other = rustix::fs::open("/run", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        replace(&other, number);
        let table = backend.mounts().unwrap();
        assert!(table.mount_at("/w".as_ref()).is_some());
        drop(backend);
        assert_eq!(std::fs::read_link(path(number)).unwrap(), Path::new("/run"), "it was closed");
    }),
    KernelCase::new("after a root is entered no descriptor of the library leads to the old one or to a procfs", || {
        furnish("tmpfs /w/new; file /w/new/f text; dir /w/new/proc; bind /proc /w/new/proc");
        for change in [RootChange::Pivot, RootChange::Move, RootChange::Chroot] {
            let enter = move || {
                let before = open_descriptors();
                let came_from = LinuxBackend::new().pin_namespace().unwrap();
                enter_on_this_thread().unwrap();
                let backend = LinuxBackend::new();
                let clone = backend.clone();
                clone.mounts().unwrap();
                assert!(backend.origin().unwrap().is_known());
                assert_eq!(open_descriptors(), before + 2, "the pinned namespace and a procfs");
                backend.enter_root(RootRequest::new(at("/w/new")).by(change).coming_from(came_from)).unwrap();
                assert_eq!(
                    (open_descriptors(), std::fs::read("/f").unwrap()),
                    (before, b"text".to_vec()),
                    "{change:?}"
                );
                assert!(clone.mount_of(&at("/")).is_ok());
            };
            std::thread::spawn(enter).join().unwrap();
        }
    }),
];

/// dup3(2) onto a number that belongs to another owner.
#[allow(unsafe_code)]
fn replace(file: &OwnedFd, number: i32) {
    // SAFETY: the call takes numbers alone. The owner of `number` checks which file it names before each use.
    let done = unsafe { libc::dup3(file.as_raw_fd(), number, libc::O_CLOEXEC) };
    assert_eq!(done, number);
}
