//! Recovery of a crashed runtime's mounts by core, with reused ids and changed names.

use mountwright_core::recovery::{OrphanRole, Recovery};
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Share, ShareName, ShareRecord};
use mountwright_core::unmount::{NameAfter, Removal, Report, UnmountStrategy, UnprovenReason};
use mountwright_core::{ContainerId, MountFlags, MountKey};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at};

const MOUNTS: &str = "/w/base/mounts";
const SHARED: &str = "/w/base/shared";
const ROOTFS: &str = "/w/base/mounts/box/rootfs";

fn id() -> ContainerId {
    ContainerId::new("box").unwrap()
}

/// A sandbox whose directories are on one shared mount, and an image to be shared.
fn sandbox(s: &Scene<'_>) -> SandboxDirs {
    s.does("file /w/image/f image; tmpfs /w/base; shared /w/base");
    SandboxSetup::new(MOUNTS, SHARED).unwrap().run(s.backend()).unwrap()
}

fn share(s: &Scene<'_>) -> ShareRecord {
    Share::rootfs(MOUNTS, &id(), at("/w/image")).unwrap().create(s.backend()).unwrap()
}

fn recovery() -> Recovery {
    Recovery::new(MOUNTS, SHARED).unwrap().directories_too()
}

fn reap(s: &Scene<'_>) -> Report {
    recovery().reap(s.backend()).unwrap()
}

/// Checks that the sandbox is removed, the image is whole, and a second recovery does nothing.
fn is_gone(s: &Scene<'_>, but: &[&str]) {
    assert_eq!(s.mount_points(), [&["/w/base"], but].concat());
    assert_eq!(s.text("/w/image/f"), b"image");
    let again = s.changes_nothing(|| reap(s));
    assert!(again.did_nothing() && again.failures().next().is_none(), "{again}");
}

/// Mounts another user's tmpfs on new places until one of them has this id. Returns false if the world reuses no id.
fn used_again(s: &Scene<'_>, id: mountwright_core::mount::MountId) -> bool {
    (0..4).any(|number| {
        let path = format!("/w/stranger-{number}");
        s.does(&format!("tmpfs {path}; file {path}/f a stranger's"));
        s.mount(&path).id == id
    })
}

fn strangers_are_whole(s: &Scene<'_>) {
    for number in 0..4 {
        let path = format!("/w/stranger-{number}");
        if s.exists(&path) {
            assert!(s.is_mounted(&path), "{path}");
            assert_eq!(s.text(format!("{path}/f")), b"a stranger's");
        }
    }
}

/// The record as a kernel without unique ids would have given it.
fn of_a_reused_id(s: &Scene<'_>, record: &ShareRecord) -> ShareRecord {
    let mut old = record.clone();
    old.mount = MountKey::Reused(s.mounter().find_mount(record.mount).unwrap().id);
    old
}

fn classic(key: MountKey) -> mountwright_core::mount::MountId {
    match key {
        MountKey::Reused(id) => id,
        MountKey::Unique(_) => panic!("a classic id"),
    }
}

/// Moves a directory so deep below another one that its path exceeds the kernel's limit.
fn deeper_than_a_path(s: &Scene<'_>, from: &str, below: &str) {
    let name = "d".repeat(200);
    s.does(&format!("chdir {below}"));
    for _ in 0..24 {
        s.does(&format!("dir {name}; chdir {name}"));
    }
    s.does(&format!("rename {from} box; chdir /"));
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("two binds on one target: unshared, both layers go, the name goes, and the source is whole", |s| {
        sandbox(s);
        s.changes_nothing(|| {
            share(s);
            s.does(&format!("bind /w/image {ROOTFS}"));
            assert_eq!(s.mount_points().iter().filter(|at| *at == ROOTFS).count(), 2);
            let outcome = ShareName::Rootfs.unshare(s.backend(), MOUNTS.into(), &id()).unwrap();
            assert_eq!(outcome, Removal::Unmounted { layers: 2, target: NameAfter::Removed });
        });
        assert_eq!(s.text("/w/image/f"), b"image");
        for how in [UnmountStrategy::Lazy, UnmountStrategy::Strict] {
            s.changes_nothing(|| {
                let record = share(s);
                s.does(&format!("bind /w/image {ROOTFS}"));
                let report = TearDown::container(MOUNTS, &[record]).how(how).run(s.backend());
                let both = Removal::Unmounted { layers: 2, target: NameAfter::Removed };
                assert!(report.is_clean() && report.mounts[0].result == Ok(both), "{report}");
            });
        }
    }),
    Case::new("recovery takes off two binds on one target, and the source is whole", |s| {
        sandbox(s);
        share(s);
        s.does(&format!("bind /w/image {ROOTFS}"));
        assert!(reap(s).is_clean());
        is_gone(s, &[]);
        assert!(!s.exists(MOUNTS));
    }),
    Case::new("a record whose id another mount has by now takes nothing off", |s| {
        sandbox(s);
        let record = share(s);
        let record = of_a_reused_id(s, &record);
        s.does(&format!("detach {ROOTFS}"));
        if !used_again(s, classic(record.mount)) {
            // This world does not reuse ids: then no mount has it.
            assert!(s.mounter().find_mount(record.mount).is_err());
        }
        let mounts = s.mount_points();
        let outcome = record.unshare(s.backend(), MOUNTS.into()).unwrap();
        assert!(!matches!(outcome, Removal::Unmounted { .. }), "{outcome}");
        let report = TearDown::container(MOUNTS, &[record]).run(s.backend());
        assert!(report.is_clean(), "{report}");
        assert_eq!(s.mount_points(), mounts);
        strangers_are_whole(s);
    }),
    Case::new("recovery leaves a mount alone that got the id of one of the sandbox's after it was looked at", |s| {
        sandbox(s);
        let record = share(s);
        let record = of_a_reused_id(s, &record);
        let run = recovery().start(s.backend()).unwrap();
        s.does(&format!("detach {ROOTFS}"));
        used_again(s, classic(record.mount));
        let report = run.finish(s.backend()).unwrap();
        assert!(report.failures().next().is_none(), "{report}");
        strangers_are_whole(s);
        assert!(!s.is_mounted(SHARED) && !s.exists("/w/base/mounts/box"));
        assert_eq!(s.text("/w/image/f"), b"image");
    }),
    Case::new("recovery with the set-up's record finds a mounts directory that was renamed and made again", |s| {
        let dirs = sandbox(s);
        share(s);
        s.does(&format!("rename {MOUNTS} /w/base/old; dir {MOUNTS}"));
        let mounts = s.mount_points();
        let without = reap(s);
        assert_eq!(without.unproven[0].reason, UnprovenReason::AnotherDirectory);
        assert_eq!(s.mount_points(), mounts, "{without}");
        s.does(&format!("dir {MOUNTS}"));
        let recovery = recovery().with_record(&dirs);
        if matches!(dirs.shared, MountKey::Reused(_)) {
            assert!(recovery.find(s.backend()).unwrap().mounts.is_empty());
            return;
        }
        let found = recovery.find(s.backend()).unwrap();
        let roles: Vec<_> = found.mounts.iter().map(|left| left.role.clone()).collect();
        assert_eq!(roles, [OrphanRole::Shared, OrphanRole::Share, OrphanRole::Copy]);
        let report = recovery.reap(s.backend()).unwrap();
        assert!(report.is_clean(), "{report}");
        is_gone(s, &[]);
        assert_eq!(s.world().names("/w/base/old".as_ref()).unwrap(), [""; 0], "its names are gone, it is not ours");
    }),
    Case::new(
        "recovery leaves a mount on the guest's directory that it cannot prove, with what is on it, and names it",
        |s| {
            s.does("tmpfs /w/base; shared /w/base");
            for (source, flags, reason) in [
                ("/w/base/srv", MountFlags::NONE, UnprovenReason::AnotherDirectory),
                ("/w/base/srv", MountFlags::READ_ONLY, UnprovenReason::AnotherDirectory),
                ("/w/base", MountFlags::READ_ONLY, UnprovenReason::AnotherDirectory),
                (MOUNTS, MountFlags::NONE, UnprovenReason::Writable),
                ("/w/elsewhere", MountFlags::READ_ONLY, UnprovenReason::AnotherFilesystem),
            ] {
                s.does(&format!("dir /w/elsewhere {MOUNTS} {SHARED}; tmpfs /w/base/srv/db"));
                s.does("file /w/base/srv/db/data bytes; file /w/base/srv/lock; dir /w/base/srv/spool/in");
                s.does(&format!("bind {source} {SHARED}; slave {SHARED}; remount {flags},relatime {SHARED}"));
                let mounts = s.mount_points();
                let found = recovery().find(s.backend()).unwrap();
                assert!(found.is_empty(), "{found}");
                let report = Recovery::new(MOUNTS, SHARED).unwrap().reap(s.backend()).unwrap();
                assert!(report.did_nothing() && report.failures().next().is_none(), "{report}");
                assert_eq!(report.unproven.iter().map(|unproven| unproven.reason).collect::<Vec<_>>(), [reason]);
                assert_eq!(s.mount_points(), mounts);
                assert!(s.exists("/w/base/srv/lock") && s.exists("/w/base/srv/spool/in"));
                assert_eq!(s.text("/w/base/srv/db/data"), b"bytes");
                s.does(&format!("detach {SHARED} /w/base/srv/db"));
            }
        },
    ),
    Case::new("recovery leaves a symlink in the place of the guest's directory, and what it leads to", |s| {
        s.does(&format!("tmpfs /w/base; dir {MOUNTS} /w/data; link /w/data {SHARED}"));
        let report = reap(s);
        assert_eq!(report.unproven[0].reason, UnprovenReason::Symlink);
        assert!(s.exists("/w/data") && s.exists(SHARED) && !s.exists(MOUNTS));
    }),
    Case::new(
        "recovery leaves a mount on the mounts directory that no set-up shows, with what is on it and in it",
        |s| {
            s.does("tmpfs /w/base; dir /w/base/theirs/c/empty; file /w/base/theirs/lock");
            s.does(&format!("bind /w/base/theirs {MOUNTS}; tmpfs /w/base/mounts/c"));
            let report = s.changes_nothing(|| Recovery::new(MOUNTS, SHARED).unwrap().reap(s.backend()).unwrap());
            assert_eq!(report.unproven[0].reason, UnprovenReason::NotSetUp);
            assert!(report.did_nothing() && report.is_clean(), "{report}");
        },
    ),
    Case::new("recovery of a sandbox that was set up on a mount of an operator leaves that mount", |s| {
        s.does(&format!("file /w/image/f image; dir /w/base; tmpfs {MOUNTS}; shared {MOUNTS}"));
        SandboxSetup::new(MOUNTS, SHARED).unwrap().run(s.backend()).unwrap();
        share(s);
        let report = Recovery::new(MOUNTS, SHARED).unwrap().reap(s.backend()).unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!(s.mount_points(), [MOUNTS]);
        assert_eq!(s.world().names(MOUNTS.as_ref()).unwrap(), [""; 0]);
    }),
    Case::new("recovery unmounts a stack of a hundred layers", |s| {
        sandbox(s);
        share(s);
        for _ in 0..100 {
            s.does(&format!("bind /w/image {ROOTFS}"));
        }
        let report = reap(s);
        assert!(report.is_clean(), "{report}");
        is_gone(s, &[]);
    }),
    Case::new("recovery and tear-down reach a share that was moved deeper than a path can be long", |s| {
        for recovers in [true, false] {
            sandbox(s);
            let record = share(s);
            deeper_than_a_path(s, "/w/base/mounts/box", MOUNTS);
            if recovers {
                let report = reap(s);
                assert!(report.failures().next().is_none(), "{report}");
            } else {
                let report = TearDown::container(MOUNTS, &[record]).run(s.backend());
                assert!(report.mounts[0].result.as_ref().is_ok_and(Removal::is_off), "{report}");
            }
            assert!(!s.mounts().iter().any(|mount| mount.root.ends_with("image")), "{:?}", s.mounts());
            if s.is_mounted(SHARED) {
                s.does(&format!("detach {SHARED}"));
            }
            s.does("detach /w/base");
        }
    }),
    Case::new("recovery leaves a stranger's mount on the guest's directory, with what is on it", |s| {
        sandbox(s);
        share(s);
        s.does(&format!("detach {SHARED}; rmdir {SHARED}; tmpfs {SHARED}; file /w/base/shared/theirs kept"));
        s.does("tmpfs /w/base/shared/box");
        let report = reap(s);
        assert!(report.failures().next().is_none(), "{report}");
        is_gone(s, &[SHARED, "/w/base/shared/box"]);
        assert_eq!(s.text("/w/base/shared/theirs"), b"kept");
    }),
    Case::new(
        "recovery follows no symlink in the place of a container's directory, and finds what was moved away",
        |s| {
            sandbox(s);
            share(s);
            s.does("tmpfs /w/victim/rootfs; file /w/victim/rootfs/f kept; file /w/victim/empty");
            s.does("rename /w/base/mounts/box /w/base/mounts/away; link /w/victim /w/base/mounts/box");
            let report = reap(s);
            assert!(report.failures().next().is_none(), "{report}");
            is_gone(s, &["/w/victim/rootfs"]);
            assert_eq!(s.text("/w/victim/rootfs/f"), b"kept");
            assert!(s.exists("/w/victim/empty") && s.exists("/w/base/mounts/box") && !s.exists("/w/base/mounts/away"));
        },
    ),
    Case::new("recovery takes off a share whose source was removed", |s| {
        sandbox(s);
        s.does("dir /w/base/source");
        Share::rootfs(MOUNTS, &id(), at("/w/base/source")).unwrap().create(s.backend()).unwrap();
        s.does("rmdir /w/base/source");
        assert!(reap(s).is_clean());
        is_gone(s, &[]);
    }),
    Case::new("recovery of a sandbox whose mounts were made shared takes them off too", |s| {
        s.does("file /w/image/f image; tmpfs /w/base");
        let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(IfNotShared::MakeShared);
        setup.run(s.backend()).unwrap();
        share(s);
        assert!(reap(s).is_clean());
        is_gone(s, &[]);
        assert!(!s.exists(MOUNTS) && !s.exists(SHARED));
    }),
];
