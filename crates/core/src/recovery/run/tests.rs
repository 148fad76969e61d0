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
fn mount_that_another_recovery_unmounts_first_is_no_failure() {
    let mounts = PaperMounts::with(SANDBOX);
    let (paper, mounter) = (paper(), mounter(&mounts));
    let run = recovery().start(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    mounts.lock().unwrap().mounts.retain(|mount| mount.id.0 < 5);
    let report = run.finish(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    assert!(report.is_clean() && report.unmounted().next().is_none(), "{report}");
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
fn the_plan_of_a_recovery_is_what_it_begins_with() {
    let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
    let plan = recovery().plan(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap();
    let run = recovery().start(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) }).unwrap();
    assert_eq!(plan.steps(), run.plan().steps());
    assert!(!plan.steps().is_empty());
}
