//! The staging directory of kernels that have no detached mounts.

use mountwright_core::error::Leftover;
use mountwright_core::mount::Guarantee;
use mountwright_core::share::Share;
use mountwright_core::{BindRequest, ContainerId, Errno, Location, MountRequest, Mounter, Propagation};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, below, furnish};

use crate::acting::Acting;
use crate::machine::{mounts, places};

fn of_4_18() -> LinuxBackend {
    LinuxBackend::new().with_syscalls(SyscallSet::NONE)
}

/// Behaves like a killed backend: its staging directory stays, and no process has it open.
fn that_cannot_clear_up() -> LinuxBackend<impl mountwright_linux::Kernel> {
    Acting::before(Call::Umount2, || ()).refusing(Call::Umount2, Errno::EPERM).backend(SyscallSet::NONE)
}

fn plain_bind() -> BindRequest {
    furnish("dir /w/source /w/target");
    BindRequest::new(at("/w/source"), at("/w/target")).stacking()
}

fn nothing_staged() {
    assert_eq!(std::fs::read_dir("/run").unwrap().count(), 0);
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a staged copy of a shared tree that comes to nothing leaves the source's own mounts", || {
        furnish("tmpfs:source /w/source; shared /w/source; tmpfs:sub /w/source/sub");
        let before = mounts();
        for request in [BindRequest::new(at("/w/source"), at("/w/missing")).recursive()] {
            for request in [request.clone(), request.read_only()] {
                assert_eq!(of_4_18().bind(&request).unwrap_err().errno(), Errno::ENOENT);
                assert_eq!(mounts(), before);
                nothing_staged();
            }
        }
    }),
    KernelCase::new("a staged tree with a mount that another one covers is refused as a whole", || {
        furnish("tmpfs:source /w/source; tmpfs:covered /w/source/sub; tmpfs:cover /w/source/sub; dir /w/target");
        let before = mounts();
        let request = BindRequest::new(at("/w/source"), at("/w/target")).recursive();
        assert_eq!(of_4_18().bind(&request.clone().read_only()).unwrap_err().errno(), Errno::EOPNOTSUPP);
        assert_eq!(mounts(), before);
        nothing_staged();
        of_4_18().bind(&request).unwrap();
        assert_eq!(places().len(), 6);
    }),
    KernelCase::new(
        "what a killed process staged is taken away by the next one, and the source keeps its mounts",
        || {
            furnish("tmpfs:source /w/source; shared /w/source; tmpfs:sub /w/source/sub");
            let request = BindRequest::new(at("/w/source"), at("/w/missing")).recursive();
            let error = that_cannot_clear_up().bind(&request).unwrap_err();
            let [Leftover::Mount { at: mounted, .. }, Leftover::Directory(inner), Leftover::Directory(outer)] =
                error.left()
            else {
                panic!("{:?}", error.left())
            };
            assert!(mounted == inner && inner.parent() == Some(outer) && outer.starts_with("/run") && inner.exists());
            assert_eq!(places().iter().filter(|at| at.starts_with("/run")).count(), 3);
            of_4_18().bind(&plain_bind()).unwrap();
            nothing_staged();
            assert_eq!(places(), ["/w/source", "/w/source/sub", "/w/target"]);
        },
    ),
    KernelCase::new("a staging place whose owner was killed while it made it is taken away too", || {
        furnish("dir /run/.mountwright-staging-1-0 /run/.mountwright-staging-2-0/root");
        furnish("chmod 700 /run/.mountwright-staging-1-0 /run/.mountwright-staging-2-0");
        of_4_18().bind(&plain_bind()).unwrap();
        nothing_staged();
    }),
    KernelCase::new(
        "a bind whose empty staging place stays comes to nothing and says what stays, until the next one",
        || {
            let stuck = Acting::before(Call::Unlinkat, || ()).refusing(Call::Unlinkat, Errno::EPERM);
            let error = stuck.backend(SyscallSet::NONE).bind(&plain_bind()).unwrap_err();
            let [Leftover::Directory(inner), Leftover::Directory(outer)] = error.left() else {
                panic!("{:?}", error.left())
            };
            assert!(inner.starts_with(outer) && inner.exists());
            assert_eq!(places(), [""; 0]);
            of_4_18().bind(&plain_bind()).unwrap();
            nothing_staged();
        },
    ),
    KernelCase::new("a staging place in use is not taken for one left behind", || {
        let during = Acting::after(Call::Mount, || drop(of_4_18().bind(&plain_bind()).unwrap()));
        during.backend(SyscallSet::NONE).bind(&plain_bind()).unwrap();
        assert_eq!(places(), ["/w/target", "/w/target"]);
        nothing_staged();
    }),
    KernelCase::new("what only looks like a staging place stays as it is", || {
        let name = |number: u32| format!("/run/.mountwright-staging-{number}-0");
        furnish(&format!("tmpfs:somebody's {}/root; dir {}/root /w/elsewhere/root", name(1), name(2)));
        furnish(&format!("link /w/elsewhere {}; file {}; file {}/root/kept", name(3), name(4), name(5)));
        furnish(&format!("tmpfs:mountwright {}; dir /run/.mountwright-staging-mine", name(6)));
        furnish(&format!("chmod 700 {} {} {}", name(1), name(5), name(6)));
        let before = mounts();
        of_4_18().bind(&plain_bind()).unwrap();
        for path in ["/w/elsewhere/root", "/run/.mountwright-staging-mine", &format!("{}/root/kept", name(5))] {
            assert!(std::path::Path::new(path).exists(), "{path}");
        }
        assert_eq!(std::fs::read_dir("/run").unwrap().count(), 7);
        assert_eq!(mounts()[..before.len()], before);
    }),
    KernelCase::new("without a staging place nothing is changed where others already see it", || {
        furnish("tmpfs:t /w/t; shared /w/t; bind /w/t /w/peer; dir /w/t/target /w/source");
        let nowhere = LinuxBackend::new().with_syscalls(SyscallSet::NONE).with_staging("/nowhere");
        let before = mounts();
        let below_root = Location::beneath("/w/t", "target").unwrap();
        let mut read_only = MountRequest::new("tmpfs", at("/w/t/target"));
        read_only.attributes.flags = mountwright_core::MountFlags::READ_ONLY;
        let request = |target: Location| BindRequest::new(at("/w/source"), target);
        for refused in [
            nowhere.bind(&request(at("/w/t/target")).read_only()).map(drop),
            nowhere.bind(&request(at("/w/t/target")).propagation(Propagation::Private)).map(drop),
            nowhere.bind(&request(below_root.clone())).map(drop),
            nowhere.bind(&request(below("/w", "source")).read_only().recursive()).map(drop),
            nowhere.mount(&read_only).map(drop),
            nowhere.mount(&MountRequest::new("tmpfs", below_root.clone())).map(drop),
        ] {
            assert_eq!(refused.unwrap_err().errno(), Errno::EOPNOTSUPP);
            assert_eq!(mounts(), before);
        }
        nowhere.bind(&request(at("/w/t/target"))).unwrap();
        assert_eq!(places(), ["/w/t", "/w/peer", "/w/t/target", "/w/peer/target"]);
    }),
    KernelCase::new("a read-only filesystem of 4.18 is read-only in the copies that propagation makes", || {
        furnish("tmpfs:t /w/t; shared /w/t; bind /w/t /w/peer; dir /w/t/target");
        let mut request = MountRequest::new("tmpfs", below("/w/t", "target"));
        request.attributes.flags = mountwright_core::MountFlags::READ_ONLY;
        of_4_18().mount(&request).unwrap();
        let copy = LinuxBackend::new().mount_of(&at("/w/peer/target")).unwrap();
        assert!(copy.is_root && copy.mount.attributes.is_read_only());
        nothing_staged();
    }),
    KernelCase::new("a bind is made ready in the directory that it names where the backend has no other", || {
        furnish("dir /w/source /w/private");
        let detached = SyscallSet::ALL.without(Call::MountSetattr).without(Call::OpenTreeAttr);
        for (syscalls, trusted) in
            [(SyscallSet::NONE, true), (SyscallSet::NONE, false), (detached, true), (detached, false)]
        {
            furnish("dir /w/t/target");
            let target = if trusted { at("/w/t/target") } else { below("/w/t", "target") };
            let request = BindRequest::new(at("/w/source"), target).read_only().propagation(Propagation::Private);
            let request = request.require(Guarantee::Atomic);
            let backend = LinuxBackend::new().with_syscalls(syscalls).with_staging("/w/nowhere");
            let error = backend.bind(&request).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EOPNOTSUPP, &[][..]));
            let report = backend.bind(&request.staged_in("/w/private")).unwrap();
            assert_eq!(report.guarantee, Guarantee::Atomic);
            assert!(backend.find_mount(report.mount).unwrap().attributes.is_read_only());
            assert_eq!(places(), ["/w/t/target"]);
            assert_eq!(std::fs::read_dir("/w/private").unwrap().count(), 0);
            rustix::mount::unmount("/w/t/target", rustix::mount::UnmountFlags::DETACH).unwrap();
            let share = Share::rootfs("/w/t", &ContainerId::new("box").unwrap(), at("/w/source")).unwrap().read_only();
            assert_eq!(share.create(&backend).unwrap_err().errno(), Some(Errno::EOPNOTSUPP));
            let record = share.prepared_in("/w/private").create(&backend).unwrap();
            assert!(backend.find_mount(record.mount).unwrap().attributes.is_read_only());
            record.unshare(&backend, "/w/t".into()).unwrap();
            assert_eq!(std::fs::read_dir("/w/private").unwrap().count(), 0);
        }
    }),
];
