use super::*;
use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, FileIdentity, Metadata};
use crate::mount::{MountId, Placeholder, UniqueMountId};
use crate::path::{ContainerId, Crossing};
use crate::ports::{Directory, DirectoryEntries, MockDirectory, MockFilesystem, MockMounter};
use crate::test_support::in_memory_mounts::ORIGIN;
use crate::unmount::Refusal;
use std::ffi::OsStr;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};

const UNIQUE: MountKey = MountKey::Unique(UniqueMountId(NonZeroU64::new(77).unwrap()));
const REUSED: MountKey = MountKey::Reused(MountId(9));

fn record(mount: MountKey) -> ShareRecord {
    ShareRecord {
        container: ContainerId::new("c").unwrap(),
        name: "rootfs".into(),
        origin: Some(ORIGIN),
        peers: None,
        mount,
        device: DeviceNumber::new(8, 1),
        subpath: "/images/c".into(),
        path: "/m/c/rootfs".into(),
        made: vec![placeholder("c", 5), placeholder("c/rootfs", 6)],
    }
}

fn placeholder(path: &str, inode: u64) -> Placeholder {
    let identity = FileIdentity { device: DeviceNumber::new(0, 7), inode, kind: FileKind::Directory };
    Placeholder { at: Location::beneath("/m", path).unwrap(), identity }
}

fn at_name() -> Location {
    Location::beneath("/m", "c/rootfs").unwrap()
}

fn refused(errno: Errno) -> OsError {
    OsError::new(Operation::Unmount, "/m/c/rootfs", errno)
}

fn mount_at(path: &'static str, device: DeviceNumber) -> MountInfo {
    let mut info = MountInfo::new(MountId(9), MountId(1), device);
    info.root = "/images/c".into();
    info.mount_point = path.into();
    info
}

type Removed = Arc<Mutex<Vec<String>>>;
type Found = &'static [(&'static str, u64)];

fn directory(below: String, found: Found, removed: &Removed) -> Box<dyn Directory> {
    let mut directory = MockDirectory::new();
    let of = move |name: &OsStr| format!("{below}{}", name.to_str().unwrap());
    let path = of.clone();
    directory.expect_metadata().returning(move |name| {
        let inode = found.iter().find(|(at, _)| *at == path(name)).map(|(_, inode)| *inode);
        let inode = inode.ok_or_else(|| refused(Errno::ENOENT))?;
        Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(0, 7), inode))
    });
    directory.expect_own_metadata().returning(|| Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(0, 7), 1)));
    directory.expect_entries().returning(|| Ok(DirectoryEntries::new(std::iter::empty())));
    let (path, sink) = (of.clone(), removed.clone());
    directory.expect_remove_dir().returning(move |name| {
        sink.lock().unwrap().push(path(name));
        Ok(())
    });
    let removed = removed.clone();
    directory.expect_open_dir().returning(move |name, crossing| {
        assert_eq!(crossing, Crossing::Refuse);
        let path = of(name);
        if !found.iter().any(|(at, _)| *at == path) {
            return Err(refused(Errno::ENOENT));
        }
        Ok(self::directory(format!("{path}/"), found, &removed))
    });
    Box::new(directory)
}

/// Empty directories with these inode numbers below `/m`, where `look` is the result of looking up the share's
/// name; and the list of those that were removed.
fn filesystem(found: Found, look: Result<FileKind, Errno>) -> (MockFilesystem, Removed) {
    let mut fs = MockFilesystem::new();
    let removed = Removed::default();
    let sink = removed.clone();
    fs.expect_open_dir().returning(move |at| {
        assert_eq!(*at, Location::trusted("/m"));
        Ok(directory(String::new(), found, &sink))
    });
    fs.expect_canonicalize().returning(|path| Ok(path.to_owned()));
    fs.expect_metadata()
        .returning(move |_, _| look.map(|kind| Metadata::new(kind, DeviceNumber::new(0, 7), 6)).map_err(refused));
    (fs, removed)
}

const NAMES: Found = &[("c", 5), ("c/rootfs", 6)];

/// A mounter that finds this, each look after the other; the last one again and again.
fn finding(all: Vec<Result<MountInfo, Errno>>, by_name: Result<(), Errno>) -> MockMounter {
    let mut mounter = MockMounter::new();
    mounter.expect_unmount().withf(|r| *r.at() == at_name()).returning(move |request| {
        let shows = MountSubtree { device: DeviceNumber::new(8, 1), root: "/images/c".into() };
        assert!(request.mode() == UnmountMode::Detach && request.expected().is_some());
        assert_eq!(request.shows(), Some(&shows));
        by_name.map_err(refused)
    });
    mounter.expect_origin().returning(|| Ok(ORIGIN));
    let mut next = 0;
    mounter.expect_find_mount().returning(move |key| {
        let found = all[next.min(all.len() - 1)].clone();
        next += 1;
        found.map_err(|errno| OsError::new(Operation::FindMount, key, errno))
    });
    mounter
}

#[allow(clippy::unnecessary_wraps)] // The result of a look-up.
fn ours() -> Result<MountInfo, Errno> {
    Ok(mount_at("/m/c/rootfs", DeviceNumber::new(8, 1)))
}

#[allow(clippy::unnecessary_wraps)] // The result of a look-up.
fn moved() -> Result<MountInfo, Errno> {
    Ok(mount_at("/m/moved/rootfs", DeviceNumber::new(8, 1)))
}

fn run(mounter: &MockMounter, fs: &MockFilesystem, mount: MountKey) -> Result<Removal, Error> {
    unshare_recorded(fs, mounter, "/m".into(), &record(mount))
}

#[test]
fn recorded_mount_is_unmounted_and_its_name_removed() {
    for key in [UNIQUE, REUSED] {
        let (fs, removed) = filesystem(NAMES, Ok(FileKind::Directory));
        let done = Removal::Unmounted { layers: 1, target: NameAfter::Removed };
        assert_eq!(run(&finding(vec![ours()], Ok(())), &fs, key), Ok(done));
        assert_eq!(*removed.lock().unwrap(), ["c/rootfs", "c"]);
    }
}

#[test]
fn another_file_that_has_the_name_by_now_stays() {
    let (fs, removed) = filesystem(&[("c", 5), ("c/rootfs", 66)], Ok(FileKind::Directory));
    let done = Removal::Unmounted { layers: 1, target: NameAfter::Kept };
    assert_eq!(run(&finding(vec![ours()], Ok(())), &fs, UNIQUE), Ok(done));
    assert_eq!(*removed.lock().unwrap(), ["c"]);
}

#[test]
fn a_cover_is_left_alone() {
    let (fs, removed) = filesystem(NAMES, Ok(FileKind::Directory));
    let mut mounter = finding(vec![ours()], Err(Errno::ESTALE));
    mounter.expect_unmount().returning(|_| Err(refused(Errno::ESTALE)));
    assert_eq!(run(&mounter, &fs, UNIQUE), Ok(Removal::Covered));
    assert_eq!(*removed.lock().unwrap(), [""; 0]);
}

#[test]
fn mount_that_was_covered_for_a_moment_is_unmounted_with_its_name() {
    let (fs, removed) = filesystem(NAMES, Ok(FileKind::Directory));
    let mut mounter = finding(vec![ours()], Err(Errno::ESTALE));
    mounter.expect_unmount().withf(|r| *r.at() == Location::trusted("/m/c/rootfs")).times(1).returning(|_| Ok(()));
    let done = Removal::Unmounted { layers: 1, target: NameAfter::Removed };
    assert_eq!(run(&mounter, &fs, UNIQUE), Ok(done));
    assert_eq!(*removed.lock().unwrap(), ["c/rootfs", "c"]);
}

#[test]
fn a_swapped_name_does_not_hide_the_mount() {
    for key in [UNIQUE, REUSED] {
        let (fs, _) = filesystem(NAMES, Ok(FileKind::Symlink));
        let mut mounter = finding(vec![moved()], Err(Errno::ELOOP));
        mounter
            .expect_unmount()
            .withf(move |r| *r.at() == Location::trusted("/m/moved/rootfs") && r.expected() == Some(key))
            .times(1)
            .returning(|_| Ok(()));
        assert_eq!(run(&mounter, &fs, key), Ok(Removal::Unmounted { layers: 1, target: NameAfter::Kept }));
    }
}

#[test]
fn reused_id_outside_the_mounts_directory_is_stale_and_a_unique_one_is_not() {
    let elsewhere = || Ok(mount_at("/srv", DeviceNumber::new(8, 1)));
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    let stale = Removal::Stale { reason: StaleReason::AnotherMount, target: NameAfter::Kept };
    assert_eq!(run(&finding(vec![elsewhere()], Err(Errno::EINVAL)), &fs, REUSED), Ok(stale.clone()));
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    let mut mounter = finding(vec![elsewhere()], Err(Errno::EINVAL));
    mounter.expect_unmount().times(1).returning(|_| Ok(()));
    let done = Removal::Unmounted { layers: 1, target: NameAfter::Kept };
    assert_eq!(run(&mounter, &fs, UNIQUE), Ok(done));
}

#[test]
fn mount_that_is_gone_keeps_its_names_and_the_outcome_says_what_stands_there() {
    for (look, outcome) in [
        (Err(Errno::ELOOP), Removal::Symlink),
        (Ok(FileKind::Symlink), Removal::Symlink),
        (Err(Errno::ENOENT), Removal::NotFound),
        (Err(Errno::ENOTDIR), Removal::NotFound),
        (Err(Errno::EXDEV), Removal::Refused { reason: Refusal::MountOnPath }),
        (Ok(FileKind::Directory), Removal::NotMounted { target: NameAfter::Kept }),
    ] {
        for key in [UNIQUE, REUSED] {
            let (fs, removed) = filesystem(NAMES, look);
            assert_eq!(
                run(&finding(vec![Err(Errno::ENOENT)], Err(Errno::EINVAL)), &fs, key),
                Ok(outcome.clone()),
                "{look:?}"
            );
            assert_eq!(*removed.lock().unwrap(), [""; 0]);
            // Another caller has unmounted it after the look-up.
            let (fs, _) = filesystem(NAMES, look);
            assert_eq!(
                run(&finding(vec![ours(), Err(Errno::ENOENT)], Err(Errno::EINVAL)), &fs, key),
                Ok(outcome.clone()),
                "{look:?}"
            );
        }
    }
}

#[test]
fn id_of_a_mount_that_shows_something_else_unmounts_nothing() {
    let stale = Removal::Stale { reason: StaleReason::AnotherMount, target: NameAfter::Kept };
    let other_device = || Ok(mount_at("/m/c/rootfs", DeviceNumber::new(8, 2)));
    let other_root = || Ok(MountInfo { root: "/images/d".into(), ..mount_at("/m/c/rootfs", DeviceNumber::new(8, 1)) });
    for found in [other_device(), other_root()] {
        for key in [UNIQUE, REUSED] {
            let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
            assert_eq!(run(&finding(vec![found.clone()], Err(Errno::ESTALE)), &fs, key), Ok(stale.clone()));
        }
    }
    let elsewhere = || Ok(mount_at("/srv", DeviceNumber::new(8, 2)));
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    assert_eq!(run(&finding(vec![elsewhere()], Err(Errno::EINVAL)), &fs, UNIQUE), Ok(stale.clone()));
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    let gone = Removal::NotMounted { target: NameAfter::Kept };
    assert_eq!(run(&finding(vec![elsewhere()], Err(Errno::EINVAL)), &fs, REUSED), Ok(gone));
}

#[test]
fn share_of_a_source_that_was_removed_is_the_recorded_one() {
    let deleted = MountInfo { root: "/images/c//deleted".into(), ..mount_at("/m/c/rootfs", DeviceNumber::new(8, 1)) };
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    let done = Removal::Unmounted { layers: 1, target: NameAfter::Removed };
    assert_eq!(run(&finding(vec![Ok(deleted)], Ok(())), &fs, UNIQUE), Ok(done));
}

#[test]
fn record_of_another_boot_or_namespace_or_of_none_unmounts_nothing() {
    let boot = Some(crate::mount::BootId::from_bytes([8; 16]));
    let namespace = Some(crate::mount::MountNamespaceId::Unique(10));
    for (origin, reason) in [
        (None, StaleReason::UnknownOrigin),
        (Some(crate::mount::Origin::UNKNOWN), StaleReason::UnknownOrigin),
        (Some(crate::mount::Origin { boot, ..ORIGIN }), StaleReason::AnotherBoot),
        (Some(crate::mount::Origin { namespace, ..ORIGIN }), StaleReason::AnotherNamespace),
    ] {
        let (fs, removed) = filesystem(&[("c", 5), ("c/rootfs", 66)], Ok(FileKind::Directory));
        let record = ShareRecord { origin, ..record(UNIQUE) };
        let outcome = unshare_recorded(&fs, &finding(vec![ours()], Ok(())), "/m".into(), &record);
        assert_eq!(outcome, Ok(Removal::Stale { reason, target: NameAfter::Kept }));
        let expected: &[&str] = if reason == StaleReason::AnotherNamespace { &[] } else { &["c"] };
        assert_eq!(*removed.lock().unwrap(), expected, "another file has the share's name");
    }
}

#[test]
fn name_of_a_mount_that_is_gone_that_cannot_be_looked_at_is_an_error() {
    for errno in [Errno::EIO, Errno::EACCES, Errno::ESTALE] {
        let (fs, _) = filesystem(NAMES, Err(errno));
        let outcome = run(&finding(vec![Err(Errno::ENOENT)], Err(Errno::EINVAL)), &fs, UNIQUE);
        assert_eq!(outcome.unwrap_err().errno(), Some(errno));
    }
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
    assert_eq!(run(&finding(vec![ours()], Err(Errno::EPERM)), &fs, UNIQUE).unwrap_err().errno(), Some(Errno::EPERM));
}

#[test]
fn mount_that_cannot_be_looked_up_is_an_error() {
    for mount in [UNIQUE, REUSED] {
        for errno in [Errno::EIO, Errno::EMFILE, Errno::EOPNOTSUPP] {
            let mounter = finding(vec![Err(errno)], Err(Errno::EINVAL));
            assert_eq!(run(&mounter, &MockFilesystem::new(), mount).unwrap_err().errno(), Some(errno));
        }
    }
}

#[test]
fn what_is_elsewhere_may_be_covered_or_refused() {
    for (errno, outcome) in [(Errno::ESTALE, Ok(Removal::Covered)), (Errno::EPERM, Err(Some(Errno::EPERM)))] {
        let (fs, _) = filesystem(NAMES, Ok(FileKind::Directory));
        let mut mounter = finding(vec![moved()], Err(Errno::ENOENT));
        mounter.expect_unmount().returning(move |_| Err(refused(errno)));
        assert_eq!(run(&mounter, &fs, UNIQUE).map_err(|error| error.errno()), outcome);
    }
}

/// The outcome for the name, and the ones of these names that are removed.
fn names_removed(paper: &crate::test_support::in_memory_names::SharedPaper) -> (NameAfter, String) {
    let mut record = record(UNIQUE);
    for made in &mut record.made {
        let path = made.at.for_display();
        made.identity.device = crate::test_support::in_memory_names::PAPER;
        made.identity.inode = paper.lock().unwrap().inode(path.to_str().unwrap());
    }
    let fs = crate::test_support::in_memory_names::filesystem(paper);
    let (mounter, at) = (MockMounter::new(), at_name());
    let unshare = Unshare { fs: &fs, mounter: &mounter, mounts_dir: "/m".into(), record: &record, at: &at };
    let name = unshare.remove_names(false);
    (name, paper.lock().unwrap().log.join(", "))
}

#[test]
fn a_directory_that_another_share_is_in_stays() {
    let paper = crate::test_support::in_memory_names::Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/v"]);
    assert_eq!(names_removed(&paper), (NameAfter::Removed, "remove /m/c/rootfs".to_owned()));
    let paper = crate::test_support::in_memory_names::Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/rootfs/x"]);
    assert_eq!(names_removed(&paper), (NameAfter::Kept, String::new()));
}
