//! Binds that meet another process at their target, and unmount only their own mounts.

use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::{
    BindRequest, Errno, FileMode, Filesystem as _, MountRequest, Mounter, Propagation, UnmountRequest,
};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::fuse_server::FuseServer;
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, below, furnish};
use rustix::mount::UnmountFlags;

use crate::acting::Acting;
use crate::machine::{exchange, exchange_elsewhere, key, mode, mounts, places};

const PROPAGATIONS: [Option<Propagation>; 5] = [
    None,
    Some(Propagation::Private),
    Some(Propagation::Shared),
    Some(Propagation::Slave),
    Some(Propagation::Unbindable),
];

/// Read-only and private, where the kernel makes a detached copy so. Before 5.12 such a bind has no detached copy and no moment
/// between the copy and its attach; there the request asks for neither.
fn request(trusted: bool) -> BindRequest {
    let target = if trusted { at("/w/t/target") } else { below("/w", "t/target") };
    let request = BindRequest::new(at("/w/source"), target);
    if makes_detached_copies_read_only() { request.read_only().propagation(Propagation::Private) } else { request }
}

fn makes_detached_copies_read_only() -> bool {
    LinuxBackend::new().uses(Call::MountSetattr)
}

fn source_and_target() {
    furnish("dir /w/source /w/t/target");
}

/// A shared mount at `/w/source` with another on it.
fn shared_tree() {
    furnish("tmpfs:source /w/source; shared /w/source; tmpfs:sub /w/source/sub; dir /w/t/target");
}

fn wants(propagation: Option<Propagation>) -> BindRequest {
    let request = BindRequest::new(at("/w/source"), below("/w/t", "target")).recursive();
    propagation.map_or(request.clone(), |propagation| request.propagation(propagation))
}

fn faster_at(target: &'static str) -> Acting {
    Acting::before(Call::MoveMount, move || furnish(&format!("tmpfs:faster {target}")))
}

/// A bind that creates its target, which another process exchanges with its own directory at that moment.
fn target_exchanged_once_created(syscalls: SyscallSet, stacking: bool, mounted: bool) {
    furnish("dir /w/source /w/t/other/full; chmod 700 /w/t/other");
    if mounted {
        furnish("dir /w/secret; chmod 700 /w/secret; bind /w/secret /w/t/other");
    }
    let exchanging = Acting::after(Call::Mkdirat, move || {
        if mounted {
            exchange_elsewhere("/w/t/target", "/w/t/other");
        } else {
            exchange("/w/t/target", "/w/t/other");
        }
    })
    .once(|| Path::new("/w/t/target").exists());
    let request = BindRequest::new(at("/w/source"), below("/w/t", "target"));
    let request = request.creating_target(FileMode::from_bits(0o755)).propagation(Propagation::Private);
    let request = if stacking { request.stacking() } else { request };
    let bound = exchanging.backend(syscalls).bind(&request);
    furnish("clear /w/t/target");
    let kept = if mounted { "/w/secret" } else { "/w/t/target" };
    assert_eq!(mode(kept), 0o700, "{stacking} {mounted}: {bound:?}");
    std::fs::remove_dir_all("/w/t").unwrap();
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("of two binds that may not stack and race for one place, one succeeds", || {
        source_and_target();
        for trusted in [true, false] {
            let slow = Acting::before(Call::MoveMount, move || {
                LinuxBackend::new().bind(&request(trusted)).unwrap();
            });
            let error = slow.backend(SyscallSet::ALL).bind(&request(trusted)).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EBUSY, &[][..]));
            assert_eq!(places(), ["/w/t/target"]);
            LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
        }
    })
    .needing(Call::Statmount),
    KernelCase::new("a bind that may stack goes over whoever was faster", || {
        source_and_target();
        let report = faster_at("/w/t/target").backend(SyscallSet::ALL).bind(&request(false).stacking()).unwrap();
        assert_eq!(key("/w/t/target"), report.mount);
        assert!(mounts().iter().any(|(_, source)| source == "faster"));
    }),
    KernelCase::new("a bind that stacks on one mount covers none that was faster", || {
        source_and_target();
        let wanted = BindRequest::new(at("/w/source"), at("/w/t/target")).propagation(Propagation::Shared);
        let wanted = wanted.stacking_on(key("/w/t/target"));
        for made_shared in [true, false] {
            let faster = Acting::before(Call::MoveMount, move || {
                furnish("tmpfs:faster /w/t/target");
                if made_shared {
                    furnish("shared /w/t/target; bind /w/t/target /w/peer");
                }
            });
            let error = faster.backend(SyscallSet::ALL).bind(&wanted).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EBUSY, &[][..]));
            assert_eq!(mounts().last().unwrap().1, "faster");
            for path in ["/w/peer", "/w/t/target"].iter().skip(usize::from(!made_shared)) {
                LinuxBackend::new().unmount(&UnmountRequest::new(at(path))).unwrap();
            }
            assert_eq!(places(), [] as [&str; 0]);
        }
    })
    .needing(Call::Statmount),
    KernelCase::new("a bind that is mounted upon before it is done succeeds, and the mount on it stays", || {
        source_and_target();
        for trusted in [true, false] {
            let covering = Acting::after(Call::MoveMount, || furnish("tmpfs:cover /w/t/target"));
            let report = covering.backend(SyscallSet::ALL).bind(&request(trusted)).unwrap();
            assert_eq!(mounts().last().unwrap().1, "cover");
            let mount = LinuxBackend::new().find_mount(report.mount).unwrap();
            assert_eq!(mount.attributes.is_read_only(), makes_detached_copies_read_only());
            for _ in 0..2 {
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
            }
        }
    }),
    KernelCase::new(
        "a failed bind that another user's server covers leaves that mount alone, and names its own",
        || {
            source_and_target();
            for trusted in [true, false] {
                let covering = Acting::after(Call::MoveMount, || {
                    // Open for as long as the mount: until this thread ends.
                    std::mem::forget(FuseServer::of_user(Path::new("/w/t/target"), 1000).unwrap());
                });
                let covering = covering.refusing(Call::MountSetattr, Errno::ENOMEM);
                let request = request(trusted).propagation(Propagation::Unbindable);
                let error = covering.backend(SyscallSet::ALL).bind(&request).unwrap_err();
                assert_eq!(mounts().last().unwrap().1, "served", "{error}");
                let [Leftover::Mount { mount, .. }] = error.left() else { panic!("{:?}", error.left()) };
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target")).only(*mount)).unwrap();
            }
        },
    )
    .needing(Call::MountSetattr)
    .for_root(),
    KernelCase::new("a failed bind that is covered leaves the cover alone, and names what it leaves", || {
        source_and_target();
        for (trusted, covers) in [(true, 1), (false, 1), (true, 3), (false, 3)] {
            let covering = Acting::after(Call::MoveMount, move || {
                (0..covers).for_each(|_| furnish("tmpfs:cover /w/t/target"));
            });
            let covering = covering.refusing(Call::MountSetattr, Errno::ENOMEM);
            // A propagation that cannot be set before the mount is attached.
            let request = request(trusted).propagation(Propagation::Unbindable);
            let error = covering.backend(SyscallSet::ALL).bind(&request).unwrap_err();
            assert_eq!(error.errno(), Errno::ENOMEM);
            let [Leftover::Mount { mount, .. }] = error.left() else { panic!("{:?}", error.left()) };
            assert_eq!(places().len(), covers + 1);
            (0..covers).for_each(|_| {
                assert_eq!(mounts().last().unwrap().1, "cover");
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
            });
            let rest = UnmountRequest::new(at("/w/t/target")).only(*mount);
            LinuxBackend::new().unmount(&rest).unwrap();
        }
    })
    .needing(Call::MountSetattr),
    KernelCase::new("a failed bind waits for the end of each cover, also of those after its first unmount", || {
        source_and_target();
        let cover = || furnish("tmpfs:cover /w/t/target");
        let uncover = || rustix::mount::unmount("/w/t/target", UnmountFlags::DETACH).unwrap();
        // The cover ends before the backend can ask for its parent, or after it has seen that the cover lies on its mount.
        for (trusted, ends_after) in
            [(true, Call::Statx), (false, Call::Statx), (true, Call::Statmount), (false, Call::Statmount)]
        {
            let covering = faster_at("/w/t/target").then_after(Call::Statx, cover).then_after(Call::Umount2, cover);
            let covering = match ends_after {
                Call::Statmount => covering.then_after(Call::Statx, || {}),
                _ => covering,
            };
            let covering = covering.then_after(ends_after, uncover);
            let error = covering.backend(SyscallSet::ALL).bind(&request(trusted)).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EBUSY, &[][..]), "{trusted} {ends_after:?}");
            assert_eq!((places(), mounts().last().unwrap().1.as_str()), (vec!["/w/t/target".into()], "faster"));
            uncover();
        }
    })
    .needing(Call::Statmount),
    KernelCase::new(
        "a failed bind leaves its cover alone if no query identifies that, and names its own mount",
        || {
            source_and_target();
            for (errno, trusted) in [(Errno::ENOENT, true), (Errno::ENOENT, false), (Errno::EPERM, true)] {
                let covering = Acting::after(Call::MoveMount, || furnish("tmpfs:cover /w/t/target"));
                let covering = covering.refusing(Call::Statmount, errno);
                let error = covering.backend(SyscallSet::ALL).bind(&request(trusted)).unwrap_err();
                assert_eq!(error.errno(), errno);
                let [Leftover::Mount { mount, .. }] = error.left() else { panic!("{:?}", error.left()) };
                assert_eq!(mounts().last().unwrap().1, "cover");
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target")).only(*mount)).unwrap();
            }
        },
    )
    .needing(Call::Statmount),
    KernelCase::new("a recursive bind of a shared tree that fails leaves the source's own mounts", || {
        for propagation in PROPAGATIONS {
            shared_tree();
            furnish("file /w/source/sub/f kept");
            let error = faster_at("/w/t/target").backend(SyscallSet::ALL).bind(&wants(propagation)).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EBUSY, &[][..]), "{propagation:?}");
            assert_eq!(places(), ["/w/source", "/w/source/sub", "/w/t/target"], "{propagation:?}");
            for path in ["/w/t/target", "/w/source/sub", "/w/source"] {
                LinuxBackend::new().unmount(&UnmountRequest::new(at(path))).unwrap();
            }
        }
    })
    .needing(Call::Statmount),
    KernelCase::new("a recursive bind that fails below a shared parent leaves nothing at its peers", || {
        furnish("tmpfs:t /w/t; shared /w/t; bind /w/t /w/peer");
        shared_tree();
        let before = mounts();
        let failing = Acting::before(Call::MoveMount, || ()).refusing(Call::MountSetattr, Errno::ENOMEM);
        let error = failing.backend(SyscallSet::ALL).bind(&wants(Some(Propagation::Private))).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Errno::ENOMEM, &[][..]));
        assert_eq!(mounts(), before);
    })
    .needing(Call::MountSetattr),
    KernelCase::new("a mount whose name is exchanged as it is made is unmounted again, and the other stays", || {
        for syscalls in [SyscallSet::ALL, SyscallSet::ALL.without(Call::Openat2)] {
            for filesystem in [true, false] {
                furnish("dir /w/source /w/t/target; tmpfs:victim /w/t/other");
                let exchanging = Acting::after(Call::MoveMount, || exchange_elsewhere("/w/t/target", "/w/t/other"));
                let backend = exchanging.backend(syscalls);
                let refused = if filesystem {
                    backend.mount(&MountRequest::new("tmpfs", below("/w", "t/target"))).map(drop)
                } else {
                    backend.bind(&request(false)).map(drop)
                };
                let error = refused.unwrap_err();
                assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[][..]));
                assert_eq!(mounts(), [("/w/t/target".to_owned(), "victim".to_owned())]);
                LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
            }
        }
    }),
    KernelCase::new(
        "a bind that creates its target changes the mode of no directory that another process put there",
        || {
            let staged = SyscallSet::ALL.without(Call::OpenTreeAttr).without(Call::MountSetattr);
            for syscalls in [SyscallSet::ALL, staged] {
                for (stacking, mounted) in [(true, true), (true, false), (false, true), (false, false)] {
                    target_exchanged_once_created(syscalls, stacking, mounted);
                }
            }
        },
    ),
    KernelCase::new("a directory is created, and the mode of one that another process puts there stays", || {
        for (full, kept) in [(true, 0o700), (false, 0o2777)] {
            furnish("dir /w/t/other");
            if full {
                furnish("dir /w/t/other/full");
            }
            furnish(&format!("chmod {kept:o} /w/t/other"));
            let exchanging = Acting::after(Call::Mkdirat, || exchange("/w/t/target", "/w/t/other"));
            let made =
                exchanging.backend(SyscallSet::ALL).create_dir(&below("/w", "t/target"), FileMode::from_bits(0o755));
            assert_eq!(mode("/w/t/target"), kept, "{made:?}");
            std::fs::remove_dir_all("/w/t").unwrap();
        }
    }),
];
