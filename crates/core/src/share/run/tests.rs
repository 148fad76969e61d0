use super::*;
use crate::file::DeviceNumber;
use crate::mount::{AttributeChange, BindReport, Guarantee, MountId, MountInfo, PathMount, PeerGroup, UniqueMountId};
use crate::path::ContainerId;
use crate::ports::MockMounter;
use crate::ports::Ports;
use crate::test_support::in_memory_names::{Paper, SharedPaper, filesystem};
use std::num::NonZeroU64;
use std::path::Path;

fn key(id: u64) -> MountKey {
    MountKey::Unique(UniqueMountId(NonZeroU64::new(id).unwrap()))
}

fn share(name: &str, source: &str) -> Share {
    Share::volume("/m", &ContainerId::new("c").unwrap(), name, Location::trusted(source)).unwrap()
}

fn paper() -> SharedPaper {
    Paper::with(&["/m", "/s", "/f.file", "/p"])
}

fn refused(operation: Operation, errno: Errno) -> OsError {
    OsError::new(operation, "/m/c/v", errno)
}

type Check = fn(&BindRequest) -> Result<(), Errno>;

/// Binds return these results in this order, the mounts' ids counted from 1.
fn binding(checks: Vec<Check>) -> MockMounter {
    let mut mounter = MockMounter::new();
    mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
    let mut order = mockall::Sequence::new();
    for (id, check) in (1..).zip(checks) {
        mounter.expect_bind().times(1).in_sequence(&mut order).returning(move |request| {
            check(request).map_err(|errno| refused(Operation::Bind, errno))?;
            Ok(BindReport::new(key(id), Guarantee::Atomic))
        });
    }
    mounter
}

fn noting(mut mounter: MockMounter) -> MockMounter {
    mounter.expect_find_mount().returning(|_| {
        let mut info = MountInfo::new(MountId(9), MountId(1), DeviceNumber::new(8, 1));
        info.root = "/images/s".into();
        Ok(info)
    });
    mounter
}

#[test]
fn a_share_is_recorded_with_what_was_made_for_it() {
    let (paper, mounter) = (
        paper(),
        noting(binding(vec![|request| {
            assert_eq!(request.target(), &Location::beneath("/m", "c/v").unwrap());
            assert_eq!((request.change(), request.required()), (AttributeChange::NOTHING, Guarantee::Window));
            assert_eq!(request.wanted_propagation(), Some(Propagation::Private));
            Ok(())
        }])),
    );
    let record = share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    assert_eq!((record.mount, record.device), (key(1), DeviceNumber::new(8, 1)));
    assert_eq!((record.subpath.as_path(), record.path.as_path()), (Path::new("/images/s"), Path::new("/m/c/v")));
    let made: Vec<_> = record.made.iter().map(|made| (made.at.for_display(), made.identity.inode)).collect();
    let inode = |path| paper.lock().unwrap().inode(path);
    assert_eq!(made, [("/m/c".into(), inode("/m/c")), ("/m/c/v".into(), inode("/m/c/v"))]);
}

#[test]
fn container_directory_that_existed_is_recorded_for_removal_with_its_last_share() {
    let (paper, mounter) =
        (Paper::with(&["/m", "/m/c", "/f.file"]), noting(binding(vec![|_| Err(Errno::ENOTDIR), |_| Ok(())])));
    let record = share("v", "/f.file").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    let made: Vec<_> = record.made.iter().map(|made| (made.at.for_display(), made.identity.kind)).collect();
    assert_eq!(made, [("/m/c".into(), FileKind::Directory), ("/m/c/v".into(), FileKind::Regular)]);
}

#[test]
fn names_that_another_caller_removed_are_created_again() {
    let (paper, mut mounter) = (paper(), noting(binding(vec![|_| Err(Errno::ENOENT), |_| Ok(())])));
    mounter.expect_let_others_run().times(1).return_const(());
    mounter.expect_mount_of().returning(|_| {
        Ok(PathMount { mount: MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(8, 1)), is_root: false })
    });
    assert_eq!(
        share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap().mount,
        key(2)
    );
}

#[test]
fn a_snapshot_dir_is_a_read_only_slave_in_one_step() {
    let (paper, mounter) = (
        paper(),
        noting(binding(vec![|request| {
            assert_eq!((request.change(), request.required()), (AttributeChange::READ_ONLY, Guarantee::Atomic));
            assert_eq!(request.wanted_propagation(), Some(Propagation::Slave));
            Ok(())
        }])),
    );
    let id = ContainerId::new("c").unwrap();
    let share = Share::snapshot_dir("/m", &id, Location::trusted("/s")).unwrap();
    assert_eq!(
        share.create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap().name,
        "snapshotdir"
    );
}

#[test]
fn a_failing_bind_leaves_no_name() {
    for (errno, source) in [(Errno::EBUSY, "/s"), (Errno::EPERM, "/f.file")] {
        let paper = paper();
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
        mounter.expect_bind().returning(move |_| Err(refused(Operation::Bind, errno)));
        let error =
            share("v", source).create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Some(errno), &[][..]));
        assert_eq!(paper.lock().unwrap().log, ["make /m/c", "make /m/c/v", "remove /m/c/v", "remove /m/c"]);
    }
}

#[test]
fn a_missing_source_leaves_nothing() {
    let (paper, mut mounter) = (paper(), binding(vec![|_| Err(Errno::ENOENT)]));
    mounter.expect_mount_of().returning(|_| Err(refused(Operation::MountOf, Errno::ENOENT)));
    let before = paper.lock().unwrap().names.len();
    let error = share("v", "/no").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
    assert_eq!((error.errno(), error.left()), (Some(Errno::ENOENT), &[][..]));
    assert_eq!(paper.lock().unwrap().names.len(), before);
}

#[test]
fn source_is_never_looked_up() {
    let (paper, mounter) = (paper(), noting(binding(vec![|_| Ok(())])));
    let steps = share("v", "/nowhere-on-paper").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter });
    assert!(steps.is_ok(), "{steps:?}");
}

#[test]
fn share_without_a_record_is_rolled_back() {
    let (paper, mut mounter) = (paper(), binding(vec![|_| Ok(())]));
    mounter.expect_find_mount().returning(|_| Err(refused(Operation::FindMount, Errno::ENOMEM)));
    mounter.expect_unmount().withf(|request| request.expected() == Some(key(1))).times(1).returning(|_| Ok(()));
    let error = share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
    assert_eq!((error.errno(), error.left()), (Some(Errno::ENOMEM), &[][..]));
    assert_eq!(paper.lock().unwrap().names.len(), 4);
}

#[test]
fn change_that_cannot_be_rolled_back_is_named() {
    let (paper, mut mounter) = (paper(), binding(vec![|_| Ok(())]));
    mounter.expect_find_mount().returning(|_| Err(refused(Operation::FindMount, Errno::ENOMEM)));
    mounter.expect_unmount().returning(|_| Err(refused(Operation::Unmount, Errno::EPERM)));
    let error = share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
    assert_eq!(error.left()[0], Leftover::Mount { mount: key(1), at: "/m/c/v".into() });
}

fn on_a_mount(mut mounter: MockMounter, shared: u32) -> MockMounter {
    mounter.expect_mount_of().returning(move |_| {
        let mut mount = MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(0, 1));
        mount.propagation.peers = PeerGroup::new(shared);
        Ok(PathMount { mount, is_root: false })
    });
    mounter
}

#[test]
fn share_that_cannot_be_read_only_in_one_step_is_refused_or_staged() {
    let no = |_: &BindRequest| Err(Errno::EOPNOTSUPP);
    let refusing = paper();
    let error = share("v", "/s")
        .read_only()
        .create(&Ports { filesystem: &filesystem(&refusing), mounter: &binding(vec![no]) })
        .unwrap_err();
    assert_eq!((error.errno(), refusing.lock().unwrap().names.len()), (Some(Errno::EOPNOTSUPP), 4));

    let paper = paper();
    let mounter = binding(vec![
        no,
        |request| {
            assert_eq!(request.target(), &Location::beneath("/p", "c:v").unwrap());
            assert_eq!((request.change(), request.required()), (AttributeChange::READ_ONLY, Guarantee::Window));
            assert_eq!(request.wanted_propagation(), Some(Propagation::Private));
            Ok(())
        },
        |request| {
            assert_eq!(request.source(), &Location::beneath("/p", "c:v").unwrap());
            assert_eq!(request.target(), &Location::beneath("/m", "c/v").unwrap());
            assert_eq!(request.change(), AttributeChange::NOTHING);
            Ok(())
        },
    ]);
    let mut mounter = noting(on_a_mount(mounter, 0));
    let prepared = |request: &crate::mount::UnmountRequest| request.expected() == Some(key(2));
    mounter.expect_unmount().withf(prepared).times(1).returning(|_| Ok(()));
    let record = share("v", "/s")
        .read_only()
        .prepared_in("/p")
        .create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter })
        .unwrap();
    assert_eq!(record.mount, key(3));
    let paper = paper.lock().unwrap();
    assert_eq!(paper.log, ["make /m/c", "make /m/c/v", "make /p/c:v", "remove /p/c:v"]);
}

#[test]
fn a_slave_is_one_where_it_is_prepared_too() {
    let slave = |request: &BindRequest| {
        assert_eq!(request.wanted_propagation(), Some(Propagation::Slave));
        Ok(())
    };
    let mut mounter = noting(on_a_mount(binding(vec![|_| Err(Errno::EOPNOTSUPP), slave, slave]), 0));
    mounter.expect_unmount().times(1).returning(|_| Ok(()));
    let id = ContainerId::new("c").unwrap();
    let share = Share::snapshot_dir("/m", &id, Location::trusted("/s")).unwrap().prepared_in("/p");
    assert_eq!(share.create(&Ports { filesystem: &filesystem(&paper()), mounter: &mounter }).unwrap().mount, key(3));
}

#[test]
fn no_two_containers_prepare_in_one_place() {
    let place = |id, name| {
        let id = ContainerId::new(id).unwrap();
        let share = Share::volume("/m", &id, name, Location::trusted("/s")).unwrap();
        prepared_at("/p".as_ref(), &share).unwrap()
    };
    assert_ne!(place("c", "x-v"), place("c-x", "v"));
}

#[test]
fn staging_directory_on_a_shared_mount_is_refused() {
    let paper = paper();
    let mounter = on_a_mount(binding(vec![|_| Err(Errno::EOPNOTSUPP)]), 3);
    let share = share("v", "/s").read_only().prepared_in("/p");
    let error = share.create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
    assert_eq!(error, Error::NotPrivate { path: "/p".into() });
    assert_eq!(paper.lock().unwrap().names.len(), 4);
}

#[test]
fn a_step_that_failed_can_be_taken_again() {
    let (paper, mounter) = (paper(), noting(binding(vec![|_| Err(Errno::ENOSPC), |_| Ok(())])));
    let fs = filesystem(&paper);
    let mut run = share("v", "/s").start();
    for _ in 0..2 {
        run.advance(&Ports { filesystem: &fs, mounter: &mounter }).unwrap();
    }
    assert_eq!(run.advance(&Ports { filesystem: &fs, mounter: &mounter }).unwrap_err().errno(), Some(Errno::ENOSPC));
    assert_eq!((run.done().steps().len(), run.plan().steps().len()), (2, 2));
    assert_eq!(run.finish(&Ports { filesystem: &fs, mounter: &mounter }).unwrap().mount, key(2));
}

#[test]
fn a_stopped_run_is_rolled_back() {
    let (paper, mounter) = (paper(), MockMounter::new());
    let fs = filesystem(&paper);
    let mut run = share("v", "/s").start();
    for _ in 0..2 {
        run.advance(&Ports { filesystem: &fs, mounter: &mounter }).unwrap();
    }
    assert_eq!(run.roll_back(&Ports { filesystem: &fs, mounter: &mounter }), []);
    assert_eq!(paper.lock().unwrap().names.len(), 4);
}

#[test]
fn names_and_sources_are_checked_first() {
    let id = ContainerId::new("c").unwrap();
    for bad in ["rootfs", "snapshotdir", "", "..", "a/b"] {
        let error = Share::volume("/m", &id, bad, Location::trusted("/s")).unwrap_err();
        assert!(matches!(error, Error::InvalidPath(_)), "{bad:?}: {error}");
    }
    let unspecified = |what| Err(Error::Unspecified { what });
    assert_eq!(Share::rootfs("/m", &id, Location::trusted("")), unspecified("source"));
    assert_eq!(Share::rootfs("", &id, Location::trusted("/s")), unspecified("mounts directory"));
}

#[test]
fn share_that_another_caller_unmounts_at_once_is_recorded_by_its_source() {
    let (paper, mut mounter) = (paper(), binding(vec![|_| Ok(())]));
    mounter.expect_find_mount().returning(|_| Err(refused(Operation::FindMount, Errno::ENOENT)));
    mounter.expect_mount_of().returning(|_| {
        let mut mount = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(8, 1));
        (mount.root, mount.mount_point) = ("/images".into(), "/".into());
        Ok(PathMount { mount, is_root: false })
    });
    let record = share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap();
    assert_eq!((record.mount, record.subpath), (key(1), "/images/s".into()));
}

#[test]
fn names_beside_the_mount_that_came_first_are_left_to_its_caller() {
    let (paper, mut mounter) = (paper(), MockMounter::new());
    let names = paper.clone();
    mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
    mounter.expect_bind().returning(move |_| {
        names.lock().unwrap().names.insert("/m/c/other".into(), (90, FileKind::Directory));
        Err(refused(Operation::Bind, Errno::EBUSY))
    });
    let error = share("v", "/s").create(&Ports { filesystem: &filesystem(&paper), mounter: &mounter }).unwrap_err();
    assert_eq!((error.errno(), error.left()), (Some(Errno::EBUSY), &[][..]));
}
