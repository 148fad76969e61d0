//! The mounts that a recovery counts as the sandbox's.

use super::*;

#[test]
fn mounts_are_known_in_any_order_of_the_table() {
    let lines: Vec<_> = SANDBOX.lines().rev().collect();
    let mut backwards = found(&lines.join("\n"));
    backwards.reverse();
    assert_eq!(backwards, found(SANDBOX));
    let cycle = "5 6 8:1 /i/a /sb/mounts/a rw - ext4 a rw\n6 5 8:1 /i/b /sb/mounts/b rw - ext4 a rw\n";
    assert_eq!(found(cycle), [(5, OrphanRole::Share), (6, OrphanRole::Share)]);
}

#[test]
fn guests_mount_that_is_no_slave_does_not_prove_the_mount_on_the_mounts_directory() {
    let lines = format!(
        "{ROOT}5 1 0:8 / /sb/mounts rw shared:3 - tmpfs operators rw\n\
         7 1 0:8 / /sb/shared ro - tmpfs operators rw\n"
    );
    let report = reap(&recovery(), &paper(), &PaperMounts::with(&lines));
    let reasons: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
    assert_eq!(reasons, [UnprovenReason::NotSetUp], "{report}");
}

#[test]
fn share_that_is_mounted_during_a_recovery_is_unmounted() {
    let mounts = PaperMounts::with(SANDBOX);
    let report = reap_with("20 1 8:1 /i/d /sb/mounts/d/rootfs rw - ext4 a rw\n", &paper(), &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 2], "{report}");
    assert!(report.unproven.is_empty(), "{report}");
}

#[test]
fn recorded_mount_that_is_gone_proves_nothing_and_a_failed_look_at_it_is_an_error() {
    for (errno, unproven) in [(None, Some(1)), (Some(Errno::EIO), None)] {
        let mounts = PaperMounts::with(RENAMED);
        mounts.lock().unwrap().refuse = errno.map(|errno| (Operation::FindMount, "", errno));
        let with_record = recovery().with_record(&dirs(MountKey::Unique(UNIQUE)));
        let found = with_record.find(&Ports { filesystem: &filesystem(&paper()), mounter: &mounter(&mounts) });
        assert_eq!(found.as_ref().ok().map(|found| found.unproven.len()), unproven, "{found:?}");
        assert_eq!(found.err().and_then(|error| error.errno()), errno);
    }
}

#[test]
fn strangers_on_the_sandboxs_directories_stay_with_what_is_on_them() {
    let lines = format!(
        "{ROOT}5 1 0:8 / /sb/mounts rw shared:3 - tmpfs operators rw\n6 5 8:1 /i /sb/mounts/c/rootfs rw - ext4 a rw\n\
         7 1 0:4 / /sb/shared rw - tmpfs admins rw\n8 7 0:5 / /sb/shared/x rw - tmpfs admins rw\n"
    );
    assert_eq!(found(&lines), []);
    let report = reap(&recovery(), &paper(), &PaperMounts::with(&lines));
    assert!(report.unmounted().next().is_none() && report.removed == [Path::new("/sb/private/c:v")], "{report}");
    let reasons: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
    assert_eq!(reasons, [UnprovenReason::NotSetUp, UnprovenReason::AnotherFilesystem]);
}

#[test]
fn mount_that_the_sandbox_was_set_up_on_stays_and_what_is_on_it_is_unmounted() {
    let lines = format!(
        "{ROOT}5 1 0:8 / /sb/mounts rw shared:3 - tmpfs operators rw\n6 5 8:1 /i /sb/mounts/c/rootfs rw - ext4 a rw\n\
         7 1 0:8 / /sb/shared ro master:3 - tmpfs operators rw\n8 7 8:1 /i /sb/shared/c/rootfs rw - ext4 a rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    let report = reap(&recovery(), &paper(), &mounts);
    assert!(report.is_clean() && report.unproven.is_empty(), "{report}");
    assert_eq!(mounts.lock().unwrap().ids(), [1, 5]);
}

#[test]
fn names_that_look_like_it_are_not_below_it() {
    let lines = format!("{ROOT}5 1 0:8 / /sb/mounts2/c rw - tmpfs a rw\n6 1 0:8 / /sb rw - tmpfs a rw\n");
    assert_eq!(found(&lines), []);
}

/// The mounts directory was renamed and made again; the guest saw the old one.
const RENAMED: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n\
    6 1 8:1 /sb/old /sb/shared ro master:1 - ext4 a rw\n\
    7 1 8:1 /i/c /sb/old/c/rootfs rw - ext4 a rw\n\
    8 6 8:1 /i/c /sb/shared/c/rootfs rw - ext4 a rw\n\
    9 1 8:1 /x /sb/older rw - ext4 a rw\n";

/// The record of a set-up whose shared mount has this key.
fn dirs(shared: MountKey) -> SandboxDirs {
    SandboxDirs {
        mounts_dir: "/sb/mounts".into(),
        shared_dir: "/sb/shared".into(),
        private_dir: None,
        origin: Some(ORIGIN),
        mounts_shows: Some(MountSubtree { device: DeviceNumber::new(8, 1), root: "/sb/mounts".into() }),
        private_shows: None,
        shared,
        made_shared: None,
        made_private: None,
        bind_mounts: Vec::new(),
        made: Vec::new(),
    }
}

const UNIQUE: UniqueMountId = UniqueMountId(std::num::NonZeroU64::new(77).unwrap());

#[test]
fn renamed_mounts_directory_is_found_by_the_record_of_the_set_up() {
    let paper = paper();
    paper.lock().unwrap().names.insert("/sb/old".into(), (50, FileKind::Directory));
    paper.lock().unwrap().names.insert("/sb/old/c".into(), (51, FileKind::Directory));
    let mounts = PaperMounts::with(RENAMED);
    mounts.lock().unwrap().mounts[1].unique_id = Some(UNIQUE);
    let with_record = recovery().with_record(&dirs(MountKey::Unique(UNIQUE)));
    let found = with_record.find(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap();
    let found: Vec<_> = found.mounts.into_iter().map(|left| (left.mount.id.0, left.role)).collect();
    assert_eq!(found, [(6, OrphanRole::Shared), (7, OrphanRole::Share), (8, OrphanRole::Copy)]);
    let report = reap(&with_record, &paper, &mounts);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().ids(), [1, 9]);
    assert!(report.removed.contains(&"/sb/old/c".into()));
}

#[test]
fn record_that_proves_nothing_finds_no_renamed_mounts_directory() {
    let boot = Some(BootId::from_bytes([8; 16]));
    let unique = dirs(MountKey::Unique(UNIQUE));
    for record in [
        SandboxDirs { origin: None, ..unique.clone() },
        SandboxDirs { origin: Some(Origin { boot, ..ORIGIN }), ..unique.clone() },
        SandboxDirs { mounts_shows: None, ..unique.clone() },
        dirs(MountKey::Reused(MountId(6))),
    ] {
        let mounts = PaperMounts::with(RENAMED);
        mounts.lock().unwrap().mounts[1].unique_id = Some(UNIQUE);
        let report = reap(&recovery().with_record(&record), &paper(), &mounts);
        assert_eq!(mounts.lock().unwrap().ids(), [1, 6, 7, 8, 9]);
        let reasons: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
        assert_eq!(reasons, [UnprovenReason::AnotherDirectory]);
    }
}

#[test]
fn symlink_as_the_shared_directory_is_left_with_what_it_leads_to() {
    let mut fs = crate::ports::MockFilesystem::new();
    fs.expect_canonicalize()
        .returning(|path| Ok(if path == Path::new("/sb/shared") { "/data".into() } else { path.to_owned() }));
    fs.expect_metadata().returning(|at, _| {
        let is_link = *at == Location::trusted("/sb/shared");
        let kind = if is_link { FileKind::Symlink } else { FileKind::Directory };
        Ok(crate::file::Metadata::new(kind, DeviceNumber::new(8, 1), 2))
    });
    fs.expect_open_dir().returning(|_| {
        let mut directory = crate::ports::MockDirectory::new();
        directory.expect_entries().returning(|| Ok(crate::ports::DirectoryEntries::new(std::iter::empty())));
        Ok(Box::new(directory))
    });
    let removed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = removed.clone();
    fs.expect_remove_dir().returning(move |at| {
        sink.lock().unwrap().push(at.for_display());
        Ok(())
    });
    let lines = format!("{ROOT}6 1 8:1 /sb/mounts /data ro master:1 - ext4 a rw\n");
    let mounts = PaperMounts::with(&lines);
    let recovery = Recovery::new("/sb/mounts", "/sb/shared").unwrap().directories_too();
    let report = recovery.reap(&Ports { filesystem: &fs, mounter: &mounter(&mounts) }).unwrap();
    assert_eq!(mounts.lock().unwrap().ids(), [1, 6]);
    assert_eq!(*removed.lock().unwrap(), [Path::new("/sb/mounts")]);
    let unproven = UnprovenMount { path: "/sb/shared".into(), mount: None, reason: UnprovenReason::Symlink };
    assert_eq!(report.unproven, [unproven]);
}

#[test]
fn mount_that_is_not_proven_stays_with_all_below_it_and_is_named_with_the_reason() {
    for (line, reason) in [
        ("8:1 /srv /sb/shared ro master:1 - ext4 a rw", UnprovenReason::AnotherDirectory),
        ("8:1 / /sb/shared ro master:1 - ext4 a rw", UnprovenReason::AnotherDirectory),
        ("8:1 /sb/mounts /sb/shared rw master:1 - ext4 a rw", UnprovenReason::Writable),
        ("8:1 /sb/mounts /sb/shared ro master:3 - ext4 a rw", UnprovenReason::AnotherGroup),
        ("8:2 /sb/mounts /sb/shared ro - ext4 b rw", UnprovenReason::AnotherFilesystem),
        ("8:1 /sb/mounts /sb/shared/x ro - ext4 a rw", UnprovenReason::NotOnShared),
    ] {
        let below = "7 6 0:9 / /sb/shared/x/db rw - tmpfs db rw\n8 1 0:8 / /srv/db rw - tmpfs db rw\n";
        let mounts = PaperMounts::with(&format!("{ROOT}6 1 {line}\n{below}"));
        let report = reap(&recovery(), &paper(), &mounts);
        assert_eq!(mounts.lock().unwrap().ids(), [1, 6, 7, 8], "{line}");
        let named: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
        assert_eq!(named, [reason], "{line}");
        assert!(report.failures().next().is_none() && report.unmounted().next().is_none(), "{report}");
    }
}

#[test]
fn mount_that_receives_through_its_copies_in_other_namespaces_is_the_sandboxs() {
    let with = |row: &str| PaperMounts::with(&format!("{ROOT}6 1 8:1 /sb/mounts /sb/shared ro {row} - ext4 a rw\n"));
    let mounts = with("master:3 propagate_from:1");
    let report = reap(&recovery(), &paper(), &mounts);
    assert!(report.is_clean() && report.unproven.is_empty(), "{report}");
    assert_eq!(mounts.lock().unwrap().ids(), [1]);
    let mounts = with("master:3 propagate_from:2");
    let report = reap(&recovery(), &paper(), &mounts);
    assert_eq!(report.unproven[0].reason, UnprovenReason::AnotherGroup);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 6]);
}

#[test]
fn own_mount_that_carries_an_unproven_one_stays() {
    let recovery = Recovery::new("/sb/mounts", "/sb/mounts/s").unwrap();
    let lines = format!(
        "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n6 5 0:9 / /sb/mounts/s rw - tmpfs t rw\n\
         7 6 0:8 / /sb/mounts/s/x rw - tmpfs t rw\n8 5 8:1 /i /sb/mounts/c/v rw - ext4 a rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    let report = reap(&recovery, &paper(), &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 7]);
    assert_eq!(report.failures().map(|left| left.mount.as_ref().unwrap().id.0).collect::<Vec<_>>(), [5]);
    assert_eq!(report.unproven[0].reason, UnprovenReason::AnotherFilesystem);
}

#[test]
fn a_deleted_mounts_directory_is_known_by_its_mount() {
    let lines = format!("{ROOT}6 1 8:1 /sb/mounts//deleted /sb/shared ro - ext4 a rw\n");
    assert_eq!(found(&lines), [(6, OrphanRole::Shared)]);
}

#[test]
fn only_a_mount_of_the_mounts_directory_is_what_the_guest_saw() {
    let guest = |line: &str| found(&format!("{ROOT}6 1 {line}\n"));
    for ours in [
        "8:1 /sb/mounts /sb/shared ro master:1 - ext4 a rw",
        // Its group has ended, or it was killed before it was made a slave.
        "8:1 /sb/mounts /sb/shared ro - ext4 a rw",
        "8:1 /sb/mounts /sb/shared ro shared:4 master:1 - ext4 a rw",
        "8:1 /sb/mounts//deleted /sb/shared ro master:1 - ext4 a rw",
    ] {
        assert_eq!(guest(ours), [(6, OrphanRole::Shared)], "{ours}");
    }
}

/// Runs a recovery and adds these mounts before its second look-up.
fn reap_with(added: &str, paper: &SharedPaper, mounts: &SharedMounts) -> Report {
    let (fs, mounter) = (filesystem(paper), mounter(mounts));
    let ports = Ports { filesystem: &fs, mounter: &mounter };
    let mut run = recovery().start(&ports).unwrap();
    let look = run.plan().steps().iter().position(|step| step.starts_with("look up")).unwrap();
    for _ in 0..look {
        run.advance(&ports).unwrap();
    }
    mounts.lock().unwrap().mounts.extend(MountTable::parse(added).iter().map(|row| row.to_info()));
    run.finish(&ports).unwrap()
}

#[test]
fn mount_that_appears_on_the_mounts_directory_during_a_recovery_stays_with_its_contents() {
    const STRANGERS: &str =
        "20 1 0:7 / /sb/mounts rw - tmpfs strangers rw\n21 20 0:6 / /sb/mounts/db rw - tmpfs data rw\n";
    let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
    let report = reap_with(STRANGERS, &paper, &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 20, 21], "{report}");
    assert!(paper.lock().unwrap().names.contains_key(Path::new("/sb/mounts/c/rootfs")), "{report}");
    let reasons: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
    assert_eq!(reasons, [UnprovenReason::MountedSince]);
}
