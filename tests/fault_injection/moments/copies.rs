//! Binds below a shared mount that has a peer in another mount namespace.

use mountwright_core::mount::PropagationWord;
use mountwright_core::{BindRequest, Errno, Mounter, Propagation, Recursion, UnmountRequest};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::elsewhere::Elsewhere;
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, below, furnish};
use rustix::mount::UnmountFlags;

use crate::acting::Acting;
use crate::machine::{key, mounts, places};

/// A shared source, and a target below a shared mount.
fn shared_places() {
    furnish("tmpfs:source /w/source; dir /w/source/sub; shared /w/source; tmpfs:t /w/t; dir /w/t/target; shared /w/t");
}

fn request(propagation: Propagation) -> BindRequest {
    BindRequest::new(at("/w/source"), below("/w/t", "target")).propagation(propagation)
}

const APART: [Propagation; 3] = [Propagation::Private, Propagation::Slave, Propagation::Unbindable];
const MOMENTS: [Call; 4] = [Call::MoveMount, Call::Statmount, Call::OpenTree, Call::MountSetattr];
const BEFORE: [&str; 2] = ["/w/source", "/w/t"];
const AFTER: [&str; 3] = ["/w/source", "/w/t", "/w/t/target"];

/// The calls of Linux 6.18 and of 5.15.
fn syscall_sets() -> [SyscallSet; 2] {
    let without_ids = SyscallSet::ALL.without(Call::Statmount).without(Call::Listmount);
    [SyscallSet::ALL, without_ids.without(Call::OpenTreeAttr)]
}

/// The calls of Linux 6.18 and of 6.12.
fn with_ids() -> [SyscallSet; 2] {
    [SyscallSet::ALL, SyscallSet::ALL.without(Call::OpenTreeAttr)]
}

fn is_attached() -> bool {
    places() == AFTER
}

fn sorted(mut places: Vec<String>) -> Vec<String> {
    places.sort();
    places
}

fn clear() {
    furnish("clear /w/t/target /w/t /w/source");
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a slave bind below a mount with a peer elsewhere is a slave of its source alone", || {
        for syscalls in syscall_sets() {
            shared_places();
            let elsewhere = Elsewhere::enter();
            LinuxBackend::new().with_syscalls(syscalls).bind(&request(Propagation::Slave)).unwrap();
            let backend = LinuxBackend::new();
            let state = |path: &str| backend.mount_of(&at(path)).unwrap().mount.propagation;
            assert_eq!((state("/w/t/target").peers, state("/w/t/target").master), (None, state("/w/source").peers));
            elsewhere.does(|| furnish("tmpfs:elsewhere /w/t/target/sub"));
            assert_eq!(places(), AFTER, "{syscalls:?}");
            elsewhere.does(|| rustix::mount::unmount("/w/t/target/sub", UnmountFlags::DETACH).unwrap());
            furnish("tmpfs:origin /w/source/sub");
            let there = "/w/t/target/sub".to_owned();
            assert!(places().contains(&there) && elsewhere.asks(places).contains(&there), "{syscalls:?}");
            rustix::mount::unmount("/w/source/sub", UnmountFlags::DETACH).unwrap();
            backend.unmount(&UnmountRequest::new(at("/w/t/target"))).unwrap();
            assert_eq!(places(), BEFORE);
            assert_eq!(elsewhere.asks(places), BEFORE);
            clear();
        }
    })
    .needing(Call::SetGroup),
    KernelCase::new("before 5.15 a slave bind below a mount with a peer elsewhere is refused", || {
        let detached = SyscallSet::ALL.without(Call::SetGroup);
        for syscalls in [detached, detached.without(Call::Listmount), SyscallSet::NONE] {
            for recursive in [false, true] {
                shared_places();
                let elsewhere = Elsewhere::enter();
                let request = request(Propagation::Slave);
                let request = if recursive { request.recursive() } else { request };
                let error = LinuxBackend::new().with_syscalls(syscalls).bind(&request).unwrap_err();
                assert_eq!((error.errno(), error.left()), (Errno::EOPNOTSUPP, &[][..]), "{syscalls:?}");
                assert_eq!(places(), BEFORE, "{syscalls:?}");
                assert_eq!(elsewhere.asks(places), BEFORE, "{syscalls:?}");
                clear();
            }
        }
    }),
    KernelCase::new("a mount that came into a bind before it left its peers rolls the bind back", || {
        for syscalls in syscall_sets() {
            for propagation in APART {
                shared_places();
                let elsewhere = Elsewhere::enter();
                let coming =
                    Acting::after(Call::MoveMount, elsewhere.doing(|| furnish("tmpfs:elsewhere /w/t/target/sub")));
                let error = coming.backend(syscalls).bind(&request(propagation)).unwrap_err();
                assert_eq!((error.errno(), error.left()), (Errno::EAGAIN, &[][..]), "{propagation}, {syscalls:?}");
                assert_eq!(places(), BEFORE, "{propagation}, {syscalls:?}");
                assert_eq!(elsewhere.asks(places), BEFORE, "{propagation}, {syscalls:?}");
                clear();
            }
        }
    })
    .needing(Call::SetGroup),
    KernelCase::new("a mount that comes into a tree before it leaves its peers rolls the bind back", || {
        for propagation in APART {
            shared_places();
            furnish("tmpfs:sub /w/source/sub; dir /w/source/sub/deep");
            let elsewhere = Elsewhere::enter();
            let before = sorted(places());
            let deep = elsewhere.doing(|| furnish("tmpfs:elsewhere /w/t/target/sub/deep"));
            let coming = Acting::after(Call::MoveMount, deep);
            let error = coming.backend(SyscallSet::ALL).bind(&request(propagation).recursive()).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EAGAIN, &[][..]), "{propagation}");
            assert_eq!((sorted(places()), sorted(elsewhere.asks(places))), (before.clone(), before), "{propagation}");
            clear();
        }
    })
    .needing(Call::Listmount),
    KernelCase::new(
        "a mount that comes into the top of a tree before the top alone leaves its peers rolls the bind back",
        || {
            for propagation in APART {
                shared_places();
                furnish("tmpfs:sub /w/source/sub; dir /w/source/other");
                let elsewhere = Elsewhere::enter();
                let before = sorted(places());
                let coming =
                    Acting::after(Call::MoveMount, elsewhere.doing(|| furnish("tmpfs:elsewhere /w/t/target/other")));
                let word = PropagationWord { propagation, recursion: Recursion::This };
                let request =
                    BindRequest::new(at("/w/source"), below("/w/t", "target")).recursive().propagations([word]);
                let error = coming.backend(SyscallSet::ALL).bind(&request).unwrap_err();
                assert_eq!((error.errno(), error.left()), (Errno::EAGAIN, &[][..]), "{propagation}");
                // The mounts of the source are there in both namespaces; copies at the peers may stay (docs/kernel.md).
                assert_eq!(sorted(places()), before, "{propagation}");
                let there = elsewhere.asks(places);
                assert!(before.iter().all(|place| there.contains(place)), "{propagation}: {there:?}");
                elsewhere.does(|| furnish("rprivate /w/t/target; clear /w/t/target"));
                clear();
            }
        },
    )
    .needing(Call::Listmount),
    KernelCase::new(
        "a bind that is covered from a copy before it left its peers is made again, without the cover",
        || {
            for (syscalls, propagation) in
                with_ids().into_iter().flat_map(|syscalls| APART.map(|wanted| (syscalls, wanted)))
            {
                for moment in [Call::MoveMount, Call::MountSetattr] {
                    shared_places();
                    let elsewhere = Elsewhere::enter();
                    let cover = elsewhere.doing(|| furnish("tmpfs:elsewhere /w/t/target"));
                    let coming = match moment {
                        Call::MoveMount => Acting::after(moment, cover),
                        // The one that makes the attached mount private.
                        _ => Acting::before(moment, cover).once(is_attached),
                    };
                    let report = coming.backend(syscalls).bind(&request(propagation)).unwrap();
                    assert_eq!(key("/w/t/target"), report.mount, "{propagation}, {syscalls:?}");
                    assert_eq!(places(), AFTER, "{propagation}, {syscalls:?}");
                    assert_eq!(elsewhere.asks(places), AFTER, "{propagation}, {syscalls:?}");
                    assert!(mounts().iter().all(|(_, source)| source != "elsewhere"), "{propagation}, {syscalls:?}");
                    clear();
                }
            }
        },
    )
    .needing(Call::Listmount),
    KernelCase::new(
        "of two binds that race for one place below a shared mount one succeeds, in the copies too",
        || {
            for (syscalls, moment) in
                with_ids().into_iter().flat_map(|syscalls| MOMENTS.map(|moment| (syscalls, moment)))
            {
                shared_places();
                let elsewhere = Elsewhere::enter();
                // Too late, and stopped before it could unmount its mount.
                let late = Acting::after(moment, || furnish("bind /w/source /w/t/target")).once(is_attached);
                let report = late.backend(syscalls).bind(&request(Propagation::Private)).unwrap();
                assert_eq!(key("/w/t/target"), report.mount, "{moment}, {syscalls:?}");
                assert_eq!(places(), AFTER, "{moment}, {syscalls:?}");
                assert_eq!(elsewhere.asks(places), AFTER, "{moment}, {syscalls:?}");
                // Too late, and through.
                rustix::mount::unmount("/w/t/target", UnmountFlags::DETACH).unwrap();
                let late = Acting::after(moment, || {
                    let error = LinuxBackend::new().bind(&request(Propagation::Slave)).unwrap_err();
                    assert_eq!((error.errno(), error.left()), (Errno::EBUSY, &[][..]));
                })
                .once(is_attached);
                let report = late.backend(syscalls).bind(&request(Propagation::Private)).unwrap();
                assert_eq!(key("/w/t/target"), report.mount, "{moment}, {syscalls:?}");
                assert_eq!(places(), AFTER, "{moment}, {syscalls:?}");
                assert_eq!(elsewhere.asks(places), AFTER, "{moment}, {syscalls:?}");
                clear();
            }
        },
    )
    .needing(Call::Listmount),
    KernelCase::new("a bind sees a cover that disappears under its eyes as no exchange of its name", || {
        shared_places();
        let covering = Acting::after(Call::MoveMount, || furnish("tmpfs:late /w/t/target"));
        // The name shows the cover, which is unmounted before the backend can ask for its parent.
        let uncovering =
            covering.then_after(Call::Statx, || rustix::mount::unmount("/w/t/target", UnmountFlags::DETACH).unwrap());
        let report = uncovering.backend(SyscallSet::ALL).bind(&request(Propagation::Private)).unwrap();
        assert_eq!(key("/w/t/target"), report.mount);
        clear();
    })
    .needing(Call::Listmount),
];
