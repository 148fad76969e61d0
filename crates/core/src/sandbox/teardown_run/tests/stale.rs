//! Records of mounts that are elsewhere, or are another one by now.

use super::*;

#[test]
fn a_mount_whose_name_was_moved_is_found_by_its_identity() {
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/old/rootfs rw - ext4 a rw\n");
    let (paper, mounts) = (paper(), PaperMounts::with(&lines));
    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/", Errno::ENOENT));
    let report = run(&paper, &mounts, UnmountStrategy::Lazy);
    assert_eq!(report.mounts[0].result, Ok(Removal::NotFound));
    assert_eq!(report.mounts[1].result, Ok(GONE));
    assert_eq!(mounts.lock().unwrap().ids(), [1]);
}

#[test]
fn an_id_of_another_mount_is_not_touched() {
    let lines = format!("{ROOT}2 1 0:5 / /home rw - tmpfs t rw\n3 1 8:1 /home/v /srv rw - ext4 a rw\n");
    let mounts = PaperMounts::with(&lines);
    let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3]);
}

#[test]
fn the_sandboxs_own_mount_is_gone_or_found_where_it_went() {
    let of_shared = |report: &Report| {
        report.mounts.iter().find(|mount| mount.path == Path::new("/s")).unwrap().result.clone().unwrap()
    };
    let without = TREE.replace("6 1 8:1 /m /s ro master:2 - ext4 a rw\n", "");
    let report = down(&PaperMounts::with(&without), UnmountStrategy::Strict);
    assert_eq!(of_shared(&report), Removal::NotMounted { target: NameAfter::Kept });

    let mounts = PaperMounts::with(&TREE.replace("/m /s ro", "/m /elsewhere ro"));
    let unique = UniqueMountId(std::num::NonZeroU64::new(77).unwrap());
    mounts.lock().unwrap().mounts.iter_mut().find(|mount| mount.id.0 == 6).unwrap().unique_id = Some(unique);
    let (paper, mut dirs) = (paper(), dirs(Some(5)));
    dirs.shared = MountKey::Unique(unique);
    let report = TearDown::sandbox(&dirs, &[])
        .how(UnmountStrategy::Strict)
        .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
    assert_eq!(of_shared(&report), Removal::Unmounted { layers: 1, target: NameAfter::Kept });
    assert!(!mounts.lock().unwrap().ids().contains(&6));
}

/// The origins of records that prove nothing on paper, and the reasons.
fn stale_origins() -> [(Option<Origin>, StaleReason); 4] {
    let boot = Some(BootId::from_bytes([8; 16]));
    let namespace = Some(MountNamespaceId::Unique(10));
    [
        (None, StaleReason::UnknownOrigin),
        (Some(Origin::UNKNOWN), StaleReason::UnknownOrigin),
        (Some(Origin { boot, ..ORIGIN }), StaleReason::AnotherBoot),
        (Some(Origin { namespace, ..ORIGIN }), StaleReason::AnotherNamespace),
    ]
}

#[test]
fn stale_records_unmount_nothing_and_remove_only_the_recorded_files() {
    let lines = format!("{ROOT}9 1 0:4 / /m/c/v rw - tmpfs theirs rw\n2 1 8:1 /i/rootfs /home rw - ext4 a rw\n");
    for (origin, reason) in stale_origins() {
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        let mut shares = [record(&paper, "rootfs", 2), record(&paper, "v", 9)];
        for share in &mut shares {
            share.origin = origin;
        }
        shares[1].made[0].identity.inode += 100;
        let report = TearDown::container("/m", &shares)
            .how(UnmountStrategy::Lazy)
            .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
        let stale = |name| Removal::Stale { reason, target: name };
        let removes = reason != StaleReason::AnotherNamespace;
        let name = if removes { NameAfter::Removed } else { NameAfter::Kept };
        assert_eq!(outcomes(&report), [&stale(NameAfter::Kept), &stale(name)], "{reason}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 9, 2], "{reason}");
        let expected: &[&str] = if removes { &["remove /m/c/rootfs"] } else { &[] };
        assert_eq!(paper.lock().unwrap().log, expected, "{reason}");
    }
}

#[test]
fn stale_record_of_a_sandbox_unmounts_none_of_its_mounts() {
    for (origin, reason) in stale_origins() {
        let mounts = PaperMounts::with(TREE);
        let paper = paper();
        let dirs = SandboxDirs { origin, ..dirs(Some(5)) };
        let report = TearDown::sandbox(&dirs, &[])
            .how(UnmountStrategy::Lazy)
            .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
        let stale = Removal::Stale { reason, target: NameAfter::Kept };
        assert_eq!(outcomes(&report), [&stale, &stale], "{reason}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 2, 3], "{reason}");
    }
}

#[test]
fn unique_id_of_a_mount_that_shows_something_else_is_stale() {
    let unique = MountKey::Unique(UniqueMountId(std::num::NonZeroU64::new(77).unwrap()));
    for (other, there) in [("0:5 /i/rootfs", true), ("8:1 /i/other", true), ("0:5 /i/rootfs", false)] {
        let (paper, mounts) = (paper(), PaperMounts::with(&format!("{ROOT}2 1 {other} /home rw - t t rw\n")));
        if !there {
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/rootfs", Errno::ENOENT));
        }
        mounts.lock().unwrap().mounts[1].unique_id = Some(UniqueMountId(std::num::NonZeroU64::new(77).unwrap()));
        let share = ShareRecord { mount: unique, ..record(&paper, "rootfs", 2) };
        let report = TearDown::container("/m", &[share])
            .how(UnmountStrategy::Lazy)
            .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
        let reason = StaleReason::AnotherMount;
        assert_eq!(outcomes(&report), [&Removal::Stale { reason, target: NameAfter::Kept }], "{other}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2]);
    }
}

#[test]
fn mount_elsewhere_with_a_reused_id_is_left_also_where_it_shows_the_same_directory() {
    let lines = format!("{ROOT}3 1 8:1 /i/v /srv/v rw - ext4 a rw\n");
    for how in [UnmountStrategy::Lazy, UnmountStrategy::Strict] {
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        let report = run(&paper, &mounts, how);
        assert_eq!(mounts.lock().unwrap().ids(), [1, 3], "{report}");
        assert!(report.is_clean(), "{report}");
    }
}

#[test]
fn share_with_a_reused_id_that_was_moved_below_the_mounts_directory_is_unmounted() {
    let lines = format!("{ROOT}3 1 8:1 /i/v /m/moved/v rw - ext4 a rw\n");
    let mounts = PaperMounts::with(&lines);
    let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
    assert_eq!(mounts.lock().unwrap().ids(), [1], "{report}");
}
