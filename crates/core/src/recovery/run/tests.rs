mod ownership;
mod stacks;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::{Errno, Operation};
use crate::file::{DeviceNumber, FileKind};
use crate::mount::{BootId, MountKey, MountSubtree, Origin, UniqueMountId};
use crate::path::Location;
use crate::ports::{MockMounter, Ports};
use crate::recovery::Recovery;
use crate::sandbox::SandboxDirs;
use crate::test_support::in_memory_mounts::{ORIGIN, PaperMounts, SharedMounts, mounter};
use crate::test_support::in_memory_names::{Paper, SharedPaper, filesystem};
use crate::unmount::UnprovenReason;

const ROOT: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n";
/// A sandbox with one share and its copy, and mounts of other processes around it.
const SANDBOX: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n\
    2 1 0:9 / /sb/mountsx rw - tmpfs other rw\n\
    5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
    6 1 8:1 /sb/mounts /sb/shared ro master:2 - ext4 a rw\n\
    7 5 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n\
    8 6 8:1 /i/c /sb/shared/c/rootfs rw - ext4 a rw\n\
    9 1 8:1 /sb/private /sb/private rw - ext4 a rw\n\
    10 9 8:1 /i/v /sb/private/c:v ro - ext4 a rw\n";

fn paper() -> SharedPaper {
    Paper::with(&[
        "/sb",
        "/sb/mounts",
        "/sb/mounts/c",
        "/sb/mounts/c/rootfs",
        "/sb/shared",
        "/sb/private",
        "/sb/private/c:v",
    ])
}

fn recovery() -> Recovery {
    Recovery::new("/sb/mounts", "/sb/shared").unwrap().private_dir("/sb/private").unwrap()
}

fn reap(recovery: &Recovery, paper: &SharedPaper, mounts: &SharedMounts) -> Report {
    recovery.reap(&Ports { filesystem: &filesystem(paper), mounter: &mounter(mounts) }).unwrap()
}

fn found(lines: &str) -> Vec<(u32, OrphanRole)> {
    let left = recovery()
        .find(&Ports { filesystem: &filesystem(&paper()), mounter: &mounter(&PaperMounts::with(lines)) })
        .unwrap();
    left.mounts.into_iter().map(|left| (left.mount.id.0, left.role)).collect()
}

#[test]
fn finds_what_is_the_sandboxs_and_nothing_else() {
    let found = found(SANDBOX);
    let expected = [
        (5, OrphanRole::MountsOntoItself),
        (6, OrphanRole::Shared),
        (7, OrphanRole::Share),
        (8, OrphanRole::Copy),
        (9, OrphanRole::PrivateOntoItself),
        (10, OrphanRole::Prepared),
    ];
    assert_eq!(found, expected);
}

#[test]
fn reaps_it_all_and_the_second_time_does_nothing() {
    let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
    let recovery = recovery().directories_too();
    let report = reap(&recovery, &paper, &mounts);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().ids(), [1, 2]);
    assert_eq!(mounts.lock().unwrap().log, ["unmount 9", "unmount 6", "unmount 5"]);
    assert_eq!(paper.lock().unwrap().names.len(), 1, "{:?}", paper.lock().unwrap().names);
    let again = reap(&recovery, &paper, &mounts);
    assert!(again.is_clean() && again.did_nothing() && !report.did_nothing(), "{again}");
    let only_names = Report { mounts: Vec::new(), ..report };
    assert!(!only_names.did_nothing());
    assert!(recovery.find(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap().is_empty());
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
fn mount_that_another_recovery_unmounts_first_is_no_failure() {
    let mounts = PaperMounts::with(SANDBOX);
    let (paper, mounter) = (paper(), mounter(&mounts));
    let run = recovery().start(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    mounts.lock().unwrap().mounts.retain(|mount| mount.id.0 < 5);
    let report = run.finish(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    assert!(report.is_clean() && report.unmounted().next().is_none(), "{report}");
}

#[test]
fn a_deleted_mounts_directory_is_known_by_its_mount() {
    let lines = format!("{ROOT}6 1 8:1 /sb/mounts//deleted /sb/shared ro - ext4 a rw\n");
    assert_eq!(found(&lines), [(6, OrphanRole::Shared)]);
}

#[test]
fn hidden_layers_come_into_sight_and_go() {
    let lines = format!(
        "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
         6 1 8:1 /i/a /sb/mounts/c/v rw - ext4 a rw\n"
    );
    // The share is older than the mount that hides it.
    let mounts = PaperMounts::with(&lines);
    let report = reap(&recovery(), &paper(), &mounts);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().log, ["unmount 5", "unmount 6"]);
}

#[test]
fn upper_mount_of_a_stack_is_unmounted_first() {
    let lines = format!(
        "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n7 6 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n\
         8 7 0:9 / /sb/mounts/c/rootfs/x rw - tmpfs t rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["unmount 7", "unmount 6"]);
}

#[test]
fn mount_with_peers_and_children_is_made_private_first() {
    let lines = format!(
        "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
         7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["/sb/mounts/c/rootfs private Tree", "unmount 6"]);

    let onto_itself = format!(
        "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
         6 5 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
         7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n\
         8 5 8:1 /i/v /sb/mounts/c/v rw - ext4 a rw\n"
    );
    let mounts = PaperMounts::with(&onto_itself);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    let log = mounts.lock().unwrap().log.clone();
    assert_eq!(log, ["unmount 8", "/sb/mounts/c/rootfs private Tree", "unmount 6", "unmount 5"]);

    let mounts = PaperMounts::with(&onto_itself);
    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "rootfs", Errno::EPERM));
    let report = reap(&recovery(), &paper(), &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 7], "what could not be unmounted stays");
    assert!(!report.is_clean());
}

#[test]
fn mount_that_stays_is_reported_with_its_reason() {
    let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/sb/mounts", Errno::EPERM));
    let report = reap(&recovery(), &paper, &mounts);
    let left: Vec<_> = report.failures().map(|left| left.mount.as_ref().unwrap().id.0).collect();
    assert_eq!(left, [5, 7]);
    assert_eq!(report.failures().next().unwrap().result.as_ref().unwrap_err().errno(), Some(Errno::EPERM));
    assert!(paper.lock().unwrap().names.contains_key(Path::new("/sb/mounts/c/rootfs")));
    mounts.lock().unwrap().refuse = None;
    assert!(reap(&recovery(), &paper, &mounts).is_clean());
}

#[test]
fn an_id_that_another_mount_has_by_now_is_left_alone() {
    let mounts = PaperMounts::with(SANDBOX);
    let (paper, mounter) = (paper(), mounter(&mounts));
    let run = recovery().start(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    for mount in mounts
        .lock()
        .unwrap()
        .mounts
        .iter_mut()
        .filter(|mount| mount.key() != MountKey::Reused(crate::mount::MountId(1)))
    {
        mount.mount_point = "/home".into();
    }
    let report = run.finish(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    assert!(report.unmounted().next().is_none(), "{report}");
    assert_eq!(mounts.lock().unwrap().mounts.len(), 8);
}

#[test]
fn files_that_hold_a_byte_and_strange_names_stay() {
    let paper = paper();
    for (path, kind) in [
        ("/sb/mounts/.hidden", FileKind::Directory),
        ("/sb/mounts/c-1-hosts.file", FileKind::Regular),
        ("/sb/mounts/d", FileKind::Directory),
        ("/sb/mounts/d/pipe", FileKind::Fifo),
    ] {
        paper.lock().unwrap().names.insert(path.into(), (70, kind));
    }
    let report = reap(&recovery(), &paper, &PaperMounts::with(ROOT));
    assert!(report.is_clean(), "{report}");
    let names: Vec<_> = paper.lock().unwrap().names.keys().map(|path| path.display().to_string()).collect();
    let stay =
        ["/sb", "/sb/mounts", "/sb/mounts/.hidden", "/sb/mounts/d", "/sb/mounts/d/pipe", "/sb/private", "/sb/shared"];
    assert_eq!(names, stay);
}

#[test]
fn a_sandbox_that_never_was_is_nothing_to_do() {
    let (paper, mounts) = (Paper::with(&["/"]), PaperMounts::with(ROOT));
    let report = reap(&recovery().directories_too(), &paper, &mounts);
    assert!(report.is_clean() && report.did_nothing(), "{report}");
}

#[test]
fn a_directory_that_cannot_be_resolved_is_an_error_and_a_missing_one_keeps_its_name() {
    for (errno, look, fails) in [
        (Errno::ENOENT, Errno::ENOENT, false),
        (Errno::ENOTDIR, Errno::ENOENT, false),
        (Errno::EACCES, Errno::ENOENT, true),
        (Errno::ENOENT, Errno::EACCES, true),
    ] {
        let mut fs = crate::ports::MockFilesystem::new();
        fs.expect_canonicalize().returning(move |path| Err(OsError::new(Operation::Canonicalize, path, errno)));
        fs.expect_open_dir().returning(|at| Err(OsError::new(Operation::OpenDir, at.for_display(), Errno::ENOENT)));
        fs.expect_metadata().returning(move |at, _| Err(OsError::new(Operation::Metadata, at.for_display(), look)));
        let mounter = mounter(&PaperMounts::with(SANDBOX));
        let ports = Ports { filesystem: &fs, mounter: &mounter };
        let found = recovery().find(&ports);
        assert_eq!(found.is_err(), fails, "{errno} {look}: {found:?}");
        assert_eq!(recovery().plan(&ports).is_err(), fails, "{errno} {look}");
        assert!(fails || found.unwrap().mounts.len() == 6);
    }
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

#[test]
fn the_plan_of_a_recovery_is_what_it_begins_with() {
    let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
    let plan = recovery().plan(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap();
    let run = recovery().start(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap();
    assert_eq!(plan.steps(), run.plan().steps());
    assert!(!plan.steps().is_empty());
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
