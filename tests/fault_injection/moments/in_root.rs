//! Mounts at a path in a root that another process changes between two calls.

use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::{
    BindRequest, Errno, FileMode, Filesystem as _, Location, MountRequest, Mounter, OsError, UnmountRequest,
};
use mountwright_linux::{Call, Kernel, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish};

use crate::acting::Acting;
use crate::machine::{exchange, key, mounts, places};

/// With openat2 and without.
fn rungs() -> [SyscallSet; 2] {
    [SyscallSet::ALL, SyscallSet::ALL.without(Call::Openat2)]
}

fn within(path: &str) -> Location {
    Location::in_root("/w/root", path)
}

/// An image with a target behind a symlink, the same names beside it, and a source.
fn image() {
    furnish("dir /w/root/run/target /w/root/other/target /w/source; link /run /w/root/var");
}

fn undo() {
    for row in ["/w/root/run/target", "/w/root/other/target", "/w/from"] {
        let _ = rustix::mount::unmount(row, rustix::mount::UnmountFlags::DETACH);
    }
    std::fs::remove_dir_all("/w/root").unwrap();
}

/// A call whose target is exchanged right before the attach is `ESTALE`, and leaves what was there before.
fn is_stale<K: Kernel>(
    make: impl Fn(Acting) -> LinuxBackend<K>,
    act: fn(),
    call: impl Fn(&LinuxBackend<K>) -> Result<(), OsError>,
) {
    image();
    let before = mounts();
    let error = call(&make(Acting::before(Call::MoveMount, act))).unwrap_err();
    assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[][..]), "{error}");
    assert_eq!(mounts(), before);
    undo();
}

/// Each way in which the path leads elsewhere by then.
const ACTS: [fn(); 4] = [
    || exchange("/w/root/run", "/w/root/other"),
    || furnish("unlink /w/root/var; link other /w/root/var"),
    || furnish("unlink /w/root/var; link var /w/root/var"),
    || furnish("rename /w/root/run /w/root/away"),
];

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a mount in a root whose path leads elsewhere after the attach is unmounted again", || {
        for (rung, act) in rungs().into_iter().flat_map(|rung| ACTS.map(|act| (rung, act))) {
            let bind = BindRequest::new(at("/w/source"), within("var/target"));
            is_stale(|acting| acting.backend(rung), act, |backend| backend.bind(&bind.clone().read_only()).map(drop));
            let mount = MountRequest::new("tmpfs", within("/var/../var/target"));
            is_stale(|acting| acting.backend(rung), act, |backend| backend.mount(&mount).map(drop));
        }
    })
    .needing(Call::MountSetattr),
    KernelCase::new("a mount that moves into a root whose path leads elsewhere by then is moved back", || {
        for (rung, act) in rungs().into_iter().flat_map(|rung| ACTS.map(|act| (rung, act))) {
            furnish("tmpfs:moved /w/from");
            let moved = |backend: &LinuxBackend<_>| backend.move_mount(&at("/w/from"), &within("var/target"));
            is_stale(|acting| acting.backend(rung), act, moved);
        }
    })
    .needing(Call::MoveMount),
    KernelCase::new("a mount that cannot be moved back out of a root is named", || {
        image();
        furnish("tmpfs:moved /w/from");
        let moved = key("/w/from");
        let acting = Acting::before(Call::MoveMount, || exchange("/w/root/run", "/w/root/other"));
        let acting = acting.then_after(Call::MoveMount, || furnish("rmdir /w/from"));
        let error = acting.backend(SyscallSet::ALL).move_mount(&at("/w/from"), &within("var/target")).unwrap_err();
        let left = Leftover::Mount { mount: moved, at: Path::new("/w/root/var/target").into() };
        assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[left][..]), "{error}");
        assert_eq!(places(), ["/w/root/other/target"]);
    })
    .needing(Call::MoveMount),
    KernelCase::new(
        "a name in a root that another process makes a symlink meanwhile is followed inside the root",
        || {
            for rung in rungs() {
                image();
                // Right before the first missing directory is made.
                let acting = Acting::before(Call::Mkdirat, || furnish("link ../../../other /w/root/run/new"));
                let request = BindRequest::new(at("/w/source"), within("var/new/t"));
                let request = request.creating_target(FileMode::from_bits(0o755));
                let report = acting.backend(rung).bind(&request).unwrap();
                assert_eq!(
                    (report.created, places()),
                    (vec!["/w/root/other/t".into()], vec!["/w/root/other/t".to_owned()])
                );
                LinuxBackend::new().unmount(&UnmountRequest::new(within("other/t"))).unwrap();
                undo();
            }
        },
    ),
    KernelCase::new("a path in a root is found where renames elsewhere disturb each look-up by openat2", || {
        image();
        furnish("file /w/root/other/file text");
        let acting = Acting::before(Call::Openat2, || ()).refusing(Call::Openat2, Errno::EAGAIN);
        let found = acting.backend(SyscallSet::ALL).metadata(&within("var/../other/file"), FinalSymlink::Follow);
        assert_eq!(found.unwrap().size, 4);
    })
    .needing(Call::Openat2),
];
