mod stale;

use std::path::Path;

use super::*;
use crate::error::{Operation, OsError};
use crate::file::{DeviceNumber, FileIdentity, FileKind};
use crate::mount::{BootId, MountId, MountNamespaceId, Origin, UniqueMountId};
use crate::path::ContainerId;
use crate::ports::{MockMounter, Ports};
use crate::sandbox::SandboxDirs;
use crate::test_support::in_memory_mounts::{ORIGIN, PaperMounts, SharedMounts, mounter};
use crate::test_support::in_memory_names::{PAPER, Paper, SharedPaper, filesystem};
use crate::unmount::UnmountStrategy;
use crate::unmount::{Refusal, StaleReason};

const ROOT: &str = "1 0 8:1 / / rw - ext4 a rw\n";

fn paper() -> SharedPaper {
    Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/v", "/s"])
}

fn placeholder(paper: &SharedPaper, root: &str, below: &str) -> Placeholder {
    let inode = paper.lock().unwrap().inode(&format!("{root}/{below}"));
    let identity = FileIdentity { device: PAPER, inode, kind: FileKind::Directory };
    Placeholder { at: Location::beneath(root, below).unwrap(), identity }
}

/// The share of this mount on `/m/c/<name>`; the first one has made the container's directory.
fn record(paper: &SharedPaper, name: &str, id: u32) -> ShareRecord {
    let mut made = vec![placeholder(paper, "/m", &format!("c/{name}"))];
    if name == "rootfs" {
        made.insert(0, placeholder(paper, "/m", "c"));
    }
    ShareRecord {
        container: ContainerId::new("c").unwrap(),
        name: name.to_owned(),
        origin: Some(ORIGIN),
        peers: None,
        mount: MountKey::Reused(MountId(id)),
        device: DeviceNumber::new(8, 1),
        subpath: format!("/i/{name}").into(),
        path: format!("/m/c/{name}").into(),
        made,
    }
}

fn run(paper: &SharedPaper, mounts: &SharedMounts, how: UnmountStrategy) -> Report {
    let shares = [record(paper, "rootfs", 2), record(paper, "v", 3)];
    TearDown::container("/m", &shares)
        .how(how)
        .run(&Ports { filesystem: &filesystem(paper), mounter: &mounter(mounts) })
}

fn outcomes(report: &Report) -> Vec<&Removal> {
    report.mounts.iter().map(|mount| mount.result.as_ref().unwrap()).collect()
}

const GONE: Removal = Removal::Unmounted { layers: 1, target: NameAfter::Removed };

#[test]
fn shares_go_last_made_first_with_their_names() {
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
    for how in [UnmountStrategy::Lazy, UnmountStrategy::Strict] {
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        let report = run(&paper, &mounts, how);
        assert!(report.is_clean(), "{report}");
        assert_eq!(outcomes(&report), [&GONE, &GONE]);
        assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2"]);
        assert_eq!(paper.lock().unwrap().log, ["remove /m/c/v", "remove /m/c/rootfs", "remove /m/c"]);
        let again = run_on(&paper, &mounts, how);
        assert!(again.is_clean() && mounts.lock().unwrap().log.len() == 2, "{again}");
    }
}

/// Records of another paper with the same layout.
fn run_on(now: &SharedPaper, mounts: &SharedMounts, how: UnmountStrategy) -> Report {
    let before = paper();
    let shares = [record(&before, "rootfs", 2), record(&before, "v", 3)];
    TearDown::container("/m", &shares).how(how).run(&Ports { filesystem: &filesystem(now), mounter: &mounter(mounts) })
}

#[test]
fn every_layer_is_unmounted() {
    let lines = format!(
        "{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n\
         4 3 8:1 /i/v /m/c/v rw - ext4 a rw\n"
    );
    let report = run(&paper(), &PaperMounts::with(&lines), UnmountStrategy::Lazy);
    let both = Removal::Unmounted { layers: 2, target: NameAfter::Removed };
    assert_eq!(outcomes(&report), [&both, &GONE]);
}

#[test]
fn strict_unmounts_children_first_and_names_the_busy_ones() {
    let lines = format!(
        "{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n\
         4 2 0:9 / /m/c/rootfs/x rw - tmpfs t rw\n5 4 0:8 / /m/c/rootfs/x/y rw - tmpfs t rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    assert!(run(&paper(), &mounts, UnmountStrategy::Strict).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 5", "unmount 4", "unmount 2"]);

    let (paper, mounts) = (paper(), PaperMounts::with(&lines));
    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "x/y", Errno::EBUSY));
    let report = run(&paper, &mounts, UnmountStrategy::Strict);
    let by = vec!["/m/c/rootfs/x/y".into(), "/m/c/rootfs/x".into()];
    assert_eq!(outcomes(&report), [&GONE, &Removal::Busy { by }]);
    assert!(paper.lock().unwrap().names.contains_key(Path::new("/m/c/rootfs")));

    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "rootfs", Errno::EBUSY));
    mounts.lock().unwrap().mounts.retain(|mount| mount.id.0 <= 2);
    assert_eq!(outcomes(&run_on(&paper, &mounts, UnmountStrategy::Strict))[1], &Removal::Busy { by: vec![] });
}

#[test]
fn continues_after_a_failure() {
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
    for (errno, outcome) in
        [(Errno::ELOOP, Some(Removal::Symlink)), (Errno::EPERM, None), (Errno::EINVAL, Some(Removal::StillMounted))]
    {
        let mounts = PaperMounts::with(&lines);
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", errno));
        let paper = paper();
        let report = run(&paper, &mounts, UnmountStrategy::Lazy);
        assert!(!report.is_clean());
        assert_eq!(report.failures().count(), 1, "{errno}: {report}");
        if let Some(outcome) = outcome
            && errno == Errno::EINVAL
        {
            assert_eq!(report.mounts[0].result, Ok(outcome));
        }
        assert_eq!(mounts.lock().unwrap().ids(), [1, 3]);
        assert!(paper.lock().unwrap().names.contains_key(Path::new("/m/c/v")));
    }
}

fn dirs(made_shared: Option<u32>) -> SandboxDirs {
    let key = |id| MountKey::Reused(MountId(id));
    SandboxDirs {
        mounts_dir: "/m".into(),
        shared_dir: "/s".into(),
        private_dir: None,
        origin: Some(ORIGIN),
        mounts_shows: Some(MountSubtree { device: DeviceNumber::new(8, 1), root: "/m".into() }),
        private_shows: None,
        shared: key(6),
        made_shared: made_shared.map(key),
        made_private: None,
        bind_mounts: Vec::new(),
        made: Vec::new(),
    }
}

const TREE: &str = "1 0 8:1 / / rw - ext4 a rw\n5 1 8:1 /m /m rw shared:2 - ext4 a rw\n\
                    6 1 8:1 /m /s ro master:2 - ext4 a rw\n2 5 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n\
                    3 5 8:1 /i/v /m/c/v rw - ext4 a rw\n";

fn down(mounts: &SharedMounts, how: UnmountStrategy) -> Report {
    let paper = paper();
    let shares = [record(&paper, "rootfs", 2), record(&paper, "v", 3)];
    TearDown::sandbox(&dirs(Some(5)), &shares)
        .how(how)
        .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(mounts) })
}

#[test]
fn a_mount_that_was_made_shared_takes_everything_with_it() {
    let mounts = PaperMounts::with(TREE);
    let report = down(&mounts, UnmountStrategy::Lazy);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().log, ["unmount 5", "unmount 6"]);
    let own = Removal::Unmounted { layers: 1, target: NameAfter::Kept };
    assert_eq!(outcomes(&report), [&GONE, &GONE, &own, &own]);
}

#[test]
fn one_by_one_where_that_would_reach_others_or_when_strict() {
    let reaching = TREE.replace("/m/c/rootfs rw -", "/m/c/rootfs rw shared:7 -")
        + "4 2 0:9 / /m/c/rootfs/x rw shared:8 - tmpfs t rw\n";
    let mounts = PaperMounts::with(&reaching);
    assert!(down(&mounts, UnmountStrategy::Lazy).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2", "unmount 6", "unmount 5"]);

    let mounts = PaperMounts::with(TREE);
    assert!(down(&mounts, UnmountStrategy::Strict).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2", "unmount 6", "unmount 5"]);
}

#[test]
fn what_covers_the_sandboxs_own_mounts_stays() {
    let covered = format!("{TREE}9 6 0:4 / /s rw - tmpfs mine rw\n");
    let mounts = PaperMounts::with(&covered);
    let report = down(&mounts, UnmountStrategy::Lazy);
    let of_shared = &report.mounts.iter().find(|mount| mount.path == Path::new("/s")).unwrap().result;
    assert_eq!(of_shared, &Ok(Removal::Covered));
    assert!(mounts.lock().unwrap().ids().contains(&9));
}

#[test]
fn names_that_stay_are_reported() {
    let paper = paper();
    paper.lock().unwrap().names.insert("/m/c/other".into(), (99, FileKind::Regular));
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
    let report = run(&paper, &PaperMounts::with(&lines), UnmountStrategy::Lazy);
    assert_eq!(report.errors, [Error::from(OsError::new(Operation::RemoveDir, "/m/c", Errno::ENOTEMPTY))]);
    assert!(report.failures().next().is_none() && !report.is_clean());
}

#[test]
fn the_plan_says_it_all_before() {
    let paper = paper();
    let plan = TearDown::sandbox(&dirs(Some(5)), &[record(&paper, "rootfs", 2)]).plan();
    assert_eq!(
        plan.to_string(),
        "  1. unmount /m with all mounts below it, if that unmounts only copies elsewhere\n  \
           2. unmount every layer on /m/c/rootfs and remove what was created for it\n  \
           3. unmount /s\n  \
           4. unmount /m\n  \
           5. report every other mount on the names of /m\n  \
               6. remove if empty: /m/c\n"
    );
}

#[test]
fn a_name_on_somebodys_mount_is_no_failure_where_the_share_was_found_elsewhere() {
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/old/rootfs rw - ext4 a rw\n");
    for (errno, elsewhere) in [(Errno::EXDEV, true), (Errno::EPERM, false)] {
        let mounts = PaperMounts::with(&lines);
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/", errno));
        let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
        let refused = match errno {
            Errno::EXDEV => Ok(Removal::Refused { reason: Refusal::MountOnPath }),
            errno => Err(OsError::new(Operation::Unmount, "/m/c/v", errno).into()),
        };
        assert_eq!(report.mounts[0].result, refused, "{report}");
        assert_eq!(report.mounts[1].result == Ok(GONE), elsewhere, "{report}");
        assert_eq!(report.mounts[1].result.is_err(), !elsewhere, "{report}");
        assert_eq!(mounts.lock().unwrap().ids(), [1]);
    }
}

#[test]
fn a_mount_that_could_not_be_looked_for_is_not_gone() {
    let mounts = PaperMounts::with(ROOT);
    mounts.lock().unwrap().refuse = Some((Operation::FindMount, "", Errno::EIO));
    let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
    assert_eq!(report.failures().count(), 2, "{report}");
}

#[test]
fn mount_on_the_name_at_the_end_is_reported() {
    let lines = format!("{ROOT}9 1 0:4 / /m/c/v rw - tmpfs theirs rw\n");
    let refused = |operation, errno| {
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        mounts.lock().unwrap().refuse = Some((operation, "/m/c/v", errno));
        let report = run(&paper, &mounts, UnmountStrategy::Lazy);
        (report.mounts[0].result.clone(), paper.lock().unwrap().names.contains_key(Path::new("/m/c/v")))
    };
    assert_eq!(refused(Operation::Unmount, Errno::EINVAL), (Ok(Removal::StillMounted), true));
    let (outcome, there) = refused(Operation::MountOf, Errno::EIO);
    assert!(outcome.is_err() && there, "{outcome:?}");
    for gone in [Errno::ENOENT, Errno::ELOOP] {
        assert_eq!(refused(Operation::MountOf, gone), (Ok(GONE), false));
    }
}

/// A share at `/m/c/v` that the caller's list does not have.
#[test]
fn mount_that_no_record_has_stays_and_is_reported() {
    // The other share can be unmounted, or stays.
    for (refuse, failed, stay) in
        [(None, &["/m/c/v"][..], &[1, 5, 3][..]), (Some(Errno::EPERM), &["/m/c/rootfs", "/m/c/v"], &[1, 5, 2, 3])]
    {
        let (paper, mounts) = (paper(), PaperMounts::with(TREE));
        mounts.lock().unwrap().refuse = refuse.map(|errno| (Operation::Unmount, "rootfs", errno));
        let (dirs, shares) = (dirs(None), [record(&paper, "rootfs", 2)]);
        let (fs, mounter) = (filesystem(&paper), mounter(&mounts));
        let ports = Ports { filesystem: &fs, mounter: &mounter };
        let report = TearDown::sandbox(&dirs, &shares).how(UnmountStrategy::Lazy).run(&ports);
        let left: Vec<_> = report.failures().map(|left| left.path.to_str().unwrap()).collect();
        assert_eq!(left, failed, "{report}");
        let refused = Removal::Refused { reason: Refusal::NotRecorded };
        assert_eq!(report.failures().last().unwrap().result, Ok(refused), "{report}");
        assert_eq!(mounts.lock().unwrap().ids(), stay);
    }
}

#[test]
fn mounts_directory_that_cannot_be_searched_is_an_error() {
    let (paper, mounts) = (paper(), PaperMounts::with(TREE));
    mounts.lock().unwrap().refuse = Some((Operation::MountOf, "/m/c/v", Errno::EIO));
    let (fs, mounter) = (filesystem(&paper), mounter(&mounts));
    let report = TearDown::sandbox(&dirs(None), &[])
        .how(UnmountStrategy::Lazy)
        .run(&Ports { filesystem: &fs, mounter: &mounter });
    assert_eq!(report.errors, [Error::from(OsError::new(Operation::MountOf, "/m/c/v", Errno::EIO))], "{report}");
}

#[test]
fn a_containers_directory_waits_for_the_last_share_in_it() {
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
    let (paper, mounts) = (paper(), PaperMounts::with(&lines));
    let shares = [record(&paper, "v", 3), record(&paper, "rootfs", 2)];
    let (fs, mounter) = (filesystem(&paper), mounter(&mounts));
    let report = TearDown::container("/m", &shares)
        .how(UnmountStrategy::Lazy)
        .run(&Ports { filesystem: &fs, mounter: &mounter });
    assert!(report.is_clean(), "{report}");
    assert_eq!(paper.lock().unwrap().log, ["remove /m/c/rootfs", "remove /m/c/v", "remove /m/c"]);
}

#[test]
fn placeholder_with_an_entry_is_reported() {
    let paper = paper();
    paper.lock().unwrap().names.insert("/m/c/v/byte".into(), (99, FileKind::Regular));
    let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
    let report = run(&paper, &PaperMounts::with(&lines), UnmountStrategy::Lazy);
    assert_eq!(report.mounts[0].result, Ok(Removal::Unmounted { layers: 1, target: NameAfter::Kept }));
    assert_eq!(report.errors[0], OsError::new(Operation::RemoveDir, "/m/c/v", Errno::ENOTEMPTY).into());
}

#[test]
fn listed_name_that_became_a_symlink_has_no_mount_and_one_that_cannot_be_looked_up_is_an_error() {
    for (errno, expected) in [(Errno::ELOOP, Ok(true)), (Errno::EIO, Err(Some(Errno::EIO)))] {
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().returning(move |at| Err(OsError::new(Operation::MountOf, at.for_display(), errno)));
        let found = mount_on(&mounter, &Location::trusted("/s/mounts/c")).map(|mount| mount.is_none());
        assert_eq!(found.map_err(|error| error.errno()), expected);
    }
}

#[test]
fn name_is_no_mount_point_where_no_layer_was_there() {
    assert!(nothing_there(&Ok(0)) && nothing_there(&Err(Stop::Not(Removal::NotFound))));
    assert!(!nothing_there(&Ok(1)) && !nothing_there(&Err(Stop::Not(Removal::Covered))));
}
