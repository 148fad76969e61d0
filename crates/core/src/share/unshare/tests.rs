use super::*;
use crate::file::{DeviceNumber, DirectoryEntry, FileKind, Metadata};
use crate::mount::{MountId, MountInfo, PathMount, UnmountMode};
use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter, MockOpenEntry};
use crate::unmount::Refusal;
use crate::unmount::stack::MOST_ATTEMPTS;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn os(errno: Errno) -> OsError {
    OsError::new(Operation::Unmount, "/m/c/rootfs", errno)
}

/// Results of the unmounts of `rootfs`, in this order.
type Unmounts = &'static [Result<(), Errno>];

/// A name that shows a mount, or none, once there is nothing more to unmount.
fn shows(shows: Result<bool, Errno>) -> MockMounter {
    let mut mounter = MockMounter::new();
    mounter.expect_mount_of().times(1).returning(move |_| {
        let mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(0, 1));
        shows.map(|is_root| PathMount { mount, is_root }).map_err(os)
    });
    mounter
}

#[allow(clippy::unnecessary_wraps)] // The result of a look-up.
fn found(kind: FileKind, inode: u64) -> Result<Metadata, OsError> {
    Ok(Metadata::new(kind, DeviceNumber::new(0, 1), inode))
}

/// A file with one name, and with so many once a name was removed.
fn entry(kind: FileKind, links_after: u64) -> Box<dyn crate::ports::OpenEntry> {
    let looks = AtomicUsize::new(0);
    let mut entry = MockOpenEntry::new();
    entry.expect_metadata().returning(move || {
        let links = if looks.fetch_add(1, Ordering::Relaxed) == 0 { 1 } else { links_after };
        found(kind, 5).map(|found| Metadata { links, ..found })
    });
    Box::new(entry)
}

fn result_of(all: Unmounts, next: &AtomicUsize) -> Result<(), OsError> {
    let turn = next.fetch_add(1, Ordering::Relaxed);
    all.get(turn).expect("a result for every call").map_err(os)
}

/// Unmounts and removals of `rootfs` end like this, in order; the removal of `c` ends like that.
fn world(unmounts: Unmounts, removals: Unmounts, container: Result<(), Errno>) -> MockFilesystem {
    world_of(unmounts, removals, container, (FileKind::Regular, 0))
}

fn world_of(
    unmounts: Unmounts,
    removals: Unmounts,
    container: Result<(), Errno>,
    (kind, links_after): (FileKind, u64),
) -> MockFilesystem {
    let (unmounted, removed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut fs = MockFilesystem::new();
    fs.expect_open_dir().withf(|at| *at == Location::trusted("/m")).returning(move |_| {
        let (unmounted, removed) = (unmounted.clone(), removed.clone());
        let mut mounts = MockDirectory::new();
        mounts.expect_open_dir().returning(move |name, crossing| {
            assert_eq!((name, crossing), (OsStr::new("c"), Crossing::Refuse));
            let (unmounted, removed) = (unmounted.clone(), removed.clone());
            let mut directory = MockDirectory::new();
            directory.expect_unmount().returning(move |name, mode, only| {
                assert_eq!((name, mode, only), (OsStr::new("rootfs"), UnmountMode::Detach, None));
                result_of(unmounts, &unmounted)
            });
            directory
                .expect_remove_dir()
                .withf(|name| name == "rootfs")
                .returning(move |_| result_of(removals, &removed));
            directory.expect_metadata().returning(move |_| found(kind, 5));
            directory.expect_open_entry().returning(move |_| Ok(entry(kind, links_after)));
            directory.expect_own_metadata().returning(|| found(FileKind::Directory, 3));
            directory.expect_remove_file().returning(|_| Ok(()));
            directory.expect_entries().returning(|| {
                let entry = DirectoryEntry { name: "v".into(), kind: FileKind::Directory, inode: 9 };
                Ok(DirectoryEntries::new(std::iter::once(Ok(entry))))
            });
            Ok(Box::new(directory))
        });
        mounts.expect_remove_dir().withf(|name| name == "c").returning(move |_| container.map_err(os));
        mounts.expect_open_entry().returning(|_| Err(os(Errno::ENOENT)));
        mounts.expect_metadata().withf(|name| name == "c").returning(move |_| match container {
            Err(Errno::ENOENT) => Err(os(Errno::ENOENT)),
            Err(Errno::ESTALE) => found(FileKind::Directory, 4),
            _ => found(FileKind::Directory, 3),
        });
        Ok(Box::new(mounts))
    });
    fs
}

fn run(mounter: &MockMounter, fs: &MockFilesystem) -> Result<Removal, Error> {
    unshare(fs, mounter, "/m".into(), &ContainerId::new("c").unwrap(), "rootfs")
}

const ON_PATH: Removal = Removal::Refused { reason: Refusal::MountOnPath };
const REMOVED: NameAfter = NameAfter::Removed;
const KEPT: NameAfter = NameAfter::Kept;

fn run_alone(fs: &MockFilesystem) -> Result<Removal, Error> {
    run(&MockMounter::new(), fs)
}

#[test]
fn one_layer_takes_one_unmount() {
    let outcome = run_alone(&world(&[Ok(())], &[Ok(())], Ok(())));
    assert_eq!(outcome, Ok(Removal::Unmounted { layers: 1, target: REMOVED }));
}

#[test]
fn every_stacked_layer_is_detached() {
    let fs = world(&[Ok(()), Ok(()), Ok(())], &[Err(Errno::EBUSY), Err(Errno::EBUSY), Ok(())], Ok(()));
    assert_eq!(run_alone(&fs), Ok(Removal::Unmounted { layers: 3, target: REMOVED }));
}

#[test]
fn a_name_that_stays_for_another_reason_does_not_hide_a_layer() {
    let removals = &[Err(Errno::EROFS), Err(Errno::EROFS), Err(Errno::EROFS)];
    let fs = world(&[Ok(()), Ok(()), Err(Errno::EINVAL)], removals, Ok(()));
    assert_eq!(run(&shows(Ok(false)), &fs), Ok(Removal::Unmounted { layers: 2, target: KEPT }));
}

#[test]
fn a_directory_that_is_no_mount_is_not_mounted_and_removed_if_empty() {
    let fs = world(&[Err(Errno::EINVAL)], &[Ok(())], Err(Errno::ENOTEMPTY));
    assert_eq!(run_alone(&fs), Ok(Removal::NotMounted { target: REMOVED }));
    let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
    assert_eq!(run(&shows(Ok(false)), &fs), Ok(Removal::NotMounted { target: KEPT }));
}

#[test]
fn a_missing_path_is_not_an_error() {
    assert_eq!(run_alone(&world(&[Err(Errno::ENOENT)], &[], Err(Errno::ENOENT))), Ok(Removal::NotFound));
}

/// A mounts directory in which opening the container's ends like this.
fn without_container(errno: Errno) -> MockFilesystem {
    let mut fs = MockFilesystem::new();
    fs.expect_metadata().returning(move |_, _| Err(os(errno)));
    fs.expect_open_dir().returning(move |_| {
        let mut mounts = MockDirectory::new();
        mounts.expect_open_dir().returning(move |_, _| Err(os(errno)));
        Ok(Box::new(mounts))
    });
    fs
}

#[test]
fn container_directory_that_is_missing_or_a_symlink_or_a_mount_is_not_entered() {
    assert_eq!(run_alone(&without_container(Errno::ENOENT)), Ok(Removal::NotFound));
    assert_eq!(run_alone(&without_container(Errno::ELOOP)), Ok(Removal::Symlink));
    assert_eq!(run_alone(&without_container(Errno::ENOTDIR)), Ok(Removal::NotFound));
    assert_eq!(run_alone(&without_container(Errno::EXDEV)), Ok(ON_PATH));
    for errno in [Errno::EPERM, Errno::ESTALE, Errno::EACCES, Errno::EMFILE] {
        assert_eq!(run_alone(&without_container(errno)).unwrap_err().errno(), Some(errno));
    }
}

#[test]
fn a_symlink_is_refused_and_nothing_is_touched() {
    let fs = world(&[Err(Errno::ELOOP)], &[], Ok(()));
    assert_eq!(run_alone(&fs), Ok(Removal::Symlink));
}

/// `rootfs` is a symlink when it is removed.
fn a_symlink_by_then(unmounts: Unmounts) -> MockFilesystem {
    world_of(unmounts, &[Err(Errno::ENOTDIR), Err(Errno::ENOTDIR)], Ok(()), (FileKind::Symlink, 1))
}

#[test]
fn a_name_that_is_a_symlink_only_when_it_is_removed_is_refused_too() {
    assert_eq!(run_alone(&a_symlink_by_then(&[Err(Errno::EINVAL)])), Ok(Removal::Symlink));
}

#[test]
fn symlink_after_one_unmounted_layer_is_an_error() {
    let error = run_alone(&a_symlink_by_then(&[Ok(()), Err(Errno::EINVAL)])).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::ELOOP));
}

#[test]
fn name_that_shows_a_mount_at_the_last_look_is_not_reported_as_unmounted() {
    let fs = || world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
    assert_eq!(run(&shows(Ok(true)), &fs()), Ok(Removal::StillMounted));
    assert_eq!(run(&shows(Err(Errno::ELOOP)), &fs()), Ok(Removal::Symlink));
}

#[test]
fn locked_mount_is_still_mounted_after_a_bounded_number_of_attempts() {
    const LOCKED: Unmounts = &[Err(Errno::EINVAL); MOST_ATTEMPTS as usize];
    const BUSY: Unmounts = &[Err(Errno::EBUSY); MOST_ATTEMPTS as usize];
    assert_eq!(run_alone(&world(LOCKED, BUSY, Ok(()))), Ok(Removal::StillMounted));
}

#[test]
fn mount_made_on_the_name_between_unmount_and_removal_is_unmounted_too() {
    let fs = world(&[Err(Errno::EINVAL), Ok(())], &[Err(Errno::EBUSY), Ok(())], Ok(()));
    assert_eq!(run_alone(&fs), Ok(Removal::Unmounted { layers: 1, target: REMOVED }));
}

#[test]
fn what_the_kernel_refuses_is_an_error() {
    const EPERM: Unmounts = &[Err(Errno::EPERM)];
    const EACCES: Unmounts = &[Err(Errno::EACCES)];
    for (unmounts, errno) in [(EPERM, Errno::EPERM), (EACCES, Errno::EACCES)] {
        assert_eq!(run_alone(&world(unmounts, &[], Ok(()))).unwrap_err().errno(), Some(errno));
    }
}

#[test]
fn empty_container_directory_that_stays_is_reported() {
    for (container, name) in [(Errno::EROFS, KEPT), (Errno::ENOENT, REMOVED), (Errno::ESTALE, KEPT)] {
        let outcome = Removal::Unmounted { layers: 1, target: name };
        assert_eq!(run_alone(&world(&[Ok(())], &[Ok(())], Err(container))), Ok(outcome), "{container}");
    }
}

#[test]
fn the_empty_placeholder_of_a_file_is_removed() {
    let fs = world(&[Ok(())], &[Err(Errno::ENOTDIR)], Ok(()));
    assert_eq!(run_alone(&fs), Ok(Removal::Unmounted { layers: 1, target: REMOVED }));
}

#[test]
fn name_that_becomes_a_symlink_after_one_unmounted_layer_is_an_error() {
    let fs = world(&[Ok(()), Err(Errno::ELOOP)], &[Err(Errno::EBUSY)], Ok(()));
    assert_eq!(run_alone(&fs).unwrap_err().errno(), Some(Errno::ELOOP));
    // It seems to be gone, and a second look finds it.
    let fs = world(&[Ok(()), Err(Errno::ENOENT)], &[Err(Errno::EBUSY)], Ok(()));
    assert_eq!(run_alone(&fs).unwrap_err().errno(), Some(Errno::ENOENT));
}

#[test]
fn a_file_that_keeps_its_name_while_another_is_removed_is_an_error() {
    let fs = world_of(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTDIR)], Ok(()), (FileKind::Regular, 1));
    assert_eq!(run_alone(&fs).unwrap_err().errno(), Some(Errno::ESTALE));
}

#[test]
fn a_name_that_cannot_be_looked_at_is_an_error() {
    let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::EROFS)], Ok(()));
    assert_eq!(run(&shows(Err(Errno::EXDEV)), &fs), Ok(ON_PATH));
    for errno in [Errno::EIO, Errno::EACCES, Errno::EMFILE] {
        let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::EROFS)], Ok(()));
        assert_eq!(run(&shows(Err(errno)), &fs).unwrap_err().errno(), Some(errno));
    }
}

#[test]
fn a_name_that_is_gone_by_the_second_look_is_not_mounted() {
    let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
    assert_eq!(run(&shows(Err(Errno::ENOENT)), &fs), Ok(Removal::NotMounted { target: KEPT }));
}

#[test]
fn directory_that_one_call_finds_and_another_does_not_is_no_directory_that_is_gone() {
    for (look, outcome) in [(Err(Errno::ENOENT), Ok(Removal::NotFound)), (Ok(()), Err(Some(Errno::ENOENT)))] {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(|_| Err(os(Errno::ENOENT)));
        fs.expect_metadata().returning(move |_, _| look.map_err(os).and_then(|()| found(FileKind::Directory, 3)));
        assert_eq!(run_alone(&fs).map_err(|error| error.errno()), outcome);
    }
}

#[test]
fn name_that_leads_to_another_directory_by_now_is_not_removed() {
    let (mut directory, mut mounts) = (MockDirectory::new(), MockDirectory::new());
    directory.expect_own_metadata().returning(|| found(FileKind::Directory, 3));
    mounts.expect_metadata().returning(|_| found(FileKind::Directory, 4));
    let (directory, mounts) = (Box::new(directory), Box::new(mounts));
    let kept = ContainerDir { directory, mounts, id: OsStr::new("c"), path: "/m/c".into() }.remove_if_empty();
    assert!(matches!(&kept, NameRemoval::Kept(error) if error.errno() == Errno::ESTALE), "{kept:?}");
}

#[test]
fn name_of_a_directory_is_gone_only_where_two_calls_say_so() {
    for (look, open, kept) in [
        (Errno::ENOENT, Errno::ENOENT, None),
        (Errno::ENOENT, Errno::EIO, Some(Errno::ENOENT)),
        (Errno::EIO, Errno::ENOENT, Some(Errno::EIO)),
    ] {
        let mut mounts = MockDirectory::new();
        mounts.expect_metadata().returning(move |_| Err(os(look)));
        mounts.expect_open_entry().returning(move |_| Err(os(open)));
        let (directory, mounts) = (Box::new(MockDirectory::new()), Box::new(mounts));
        let removal = ContainerDir { directory, mounts, id: OsStr::new("c"), path: "/m/c".into() }.remove_if_empty();
        let found = if let NameRemoval::Kept(error) = removal { Some(error.errno()) } else { None };
        assert_eq!(found, kept, "{look} {open}");
    }
}
