//! Taking off what was shared.

use std::ffi::OsStr;
use std::path::Path;

use camino::Utf8Path;

use crate::sequences::placeholder::{self, Removal};
use crate::sequences::share_name::{ROOTFS_DIR, SNAPSHOT_DIR, share_location};
use crate::{
    ContainerId, Directory, Errno, Error, Filesystem, Location, Mounter, NameAfter, Operation, OsError, UnmountMode,
    UnmountRequest, UnshareOutcome,
};

/// Takes a container's root filesystem off `<mounts>/<id>/rootfs`: every layer, lazily, never following a link; then
/// removes the empty directory, and `<mounts>/<id>` where that was its last name.
///
/// * Below `<mounts>` no symlink is followed: one is refused with a warning, and the outcome says so.
/// * A missing name is not an error.
/// * A directory is removed only when it is no mount, one level, and only if it is empty: no byte of what was shared can be
///   lost. Where it cannot be removed the outcome says that it was kept.
/// * Nobody else's mounts are touched: only what sits on this very name.
///
/// # Errors
///
/// [`Error::Os`]: `EXDEV`: `<mounts>/<id>` is itself a mount point; `EBUSY`: what is mounted there cannot be taken off (it is
/// locked, or the name led elsewhere for a moment); `EPERM`, `EACCES`. Layers that were off by then stay off; call again to go on.
#[doc(alias = "bindUnmountContainerRootfs")]
pub fn unshare_rootfs(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
) -> Result<UnshareOutcome, Error> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_rootfs", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id);
    span.in_scope(|| unshare(fs, mounter, mounts_dir, id, ROOTFS_DIR))
}

/// Takes a container's nydus snapshot directory off `<mounts>/<id>/snapshotdir`, as [`unshare_rootfs`] does.
///
/// # Errors
///
/// As [`unshare_rootfs`].
#[doc(alias = "bindUnmountContainerSnapshotDir")]
pub fn unshare_snapshot_dir(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
) -> Result<UnshareOutcome, Error> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_snapshot_dir", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id);
    span.in_scope(|| unshare(fs, mounter, mounts_dir, id, SNAPSHOT_DIR))
}

/// Takes a volume off `<mounts>/<id>/<name>`, as [`unshare_rootfs`] does; the placeholder of a file is removed where it is
/// an empty file.
///
/// # Errors
///
/// As [`unshare_rootfs`], and [`Error::NotRelative`] for a name that is not one component.
pub fn unshare_volume(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    name: &str,
) -> Result<UnshareOutcome, Error> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_volume", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id, name);
    span.in_scope(|| unshare(fs, mounter, mounts_dir, id, name))
}

pub(crate) fn unshare(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    name: &str,
) -> Result<UnshareOutcome, Error> {
    let at = share_location(mounts_dir, id, name)?;
    let place = SharePlace { fs, mounts_dir, id, name };
    let mut above = Removal::Removed;
    let (layers, removal) = match detach_layers(mounter, &at, || place.remove_name(&mut above))? {
        Layers::Off { count, removal } => (count, removal),
        Layers::Missing => {
            if let Removal::Kept(error) = place.remove_container_dir()? {
                warn_kept(&mounts_dir.as_std_path().join(id.as_str()), &error);
            }
            return Ok(UnshareOutcome::Missing);
        }
        Layers::Symlink => {
            warn_symlink(id);
            return Ok(UnshareOutcome::RefusedSymlink);
        }
    };
    let name = match (removal, above) {
        (Removal::Removed, Removal::Removed) => NameAfter::Removed,
        (Removal::Kept(error), _) => {
            warn_kept(&at.for_display(), &error);
            NameAfter::Kept
        }
        (Removal::Removed, Removal::Kept(error)) => {
            warn_kept(&mounts_dir.as_std_path().join(id.as_str()), &error);
            NameAfter::Kept
        }
    };
    Ok(match layers {
        0 => UnshareOutcome::NotMounted { name },
        layers => UnshareOutcome::Detached { layers, name },
    })
}

/// What was found on a name, and is off now.
pub(crate) enum Layers {
    Off { count: u32, removal: Removal },
    Missing,
    Symlink,
}

/// Detaches every layer on `at` and removes the name. A name that is still busy has another layer; any other reason why it
/// stays says nothing about layers, so they are asked for until there is none.
pub(crate) fn detach_layers(
    mounter: &dyn Mounter,
    at: &Location,
    mut remove: impl FnMut() -> Result<Removal, Error>,
) -> Result<Layers, Error> {
    let mut count = 0;
    loop {
        let request = UnmountRequest::new(at.clone()).with_mode(UnmountMode::Detach);
        let took_one = match mounter.unmount(&request) {
            Ok(()) => true,
            Err(error) => match error.errno() {
                Errno::EINVAL => false,
                Errno::ENOENT if count == 0 => return Ok(Layers::Missing),
                Errno::ELOOP if count == 0 => return Ok(Layers::Symlink),
                _ => return Err(error.into()),
            },
        };
        count += u32::from(took_one);
        match remove()? {
            Removal::Removed => return Ok(Layers::Off { count, removal: Removal::Removed }),
            Removal::Kept(_) if took_one => {}
            // Nothing could be unmounted and yet it is a mount point: locked, or somebody is mounting.
            Removal::Kept(error) if error.errno() == Errno::EBUSY => return Err(error.into()),
            removal @ Removal::Kept(_) => return seen_to_be_off(mounter, at, count, removal),
        }
    }
}

/// Nothing more could be unmounted, and the name stays. It may have led elsewhere for a moment, when the unmount met it: what
/// shows a link or a mount now is not said to be off.
fn seen_to_be_off(mounter: &dyn Mounter, at: &Location, count: u32, removal: Removal) -> Result<Layers, Error> {
    let link = match &removal {
        Removal::Kept(error) if error.errno() == Errno::ELOOP => Some(error.clone()),
        _ => match mounter.mount_of(at) {
            Ok(found) if found.is_root => {
                return Err(OsError::new(Operation::Unmount, at.for_display(), Errno::EBUSY).into());
            }
            Err(error) if error.errno() == Errno::ELOOP => Some(error),
            // What is moved in this moment (`EXDEV`), or cannot be looked at, is not proven to be unmounted.
            Err(error) if error.errno() != Errno::ENOENT => return Err(error.into()),
            _ => None,
        },
    };
    match link {
        None => Ok(Layers::Off { count, removal }),
        Some(_) if count == 0 => Ok(Layers::Symlink),
        Some(error) => Err(error.into()),
    }
}

/// A name below a container's directory.
pub(crate) struct SharePlace<'a> {
    pub(crate) fs: &'a dyn Filesystem,
    pub(crate) mounts_dir: &'a Utf8Path,
    pub(crate) id: &'a ContainerId,
    pub(crate) name: &'a str,
}

impl SharePlace<'_> {
    /// Removes `<mounts>/<id>/<name>`, and `<mounts>/<id>` where that was its last name: what became of that is told in
    /// `above`. By descriptors: what is removed is where the walk went.
    pub(crate) fn remove_name(&self, above: &mut Removal) -> Result<Removal, Error> {
        let mounts = self.fs.open_dir(&Location::from(self.mounts_dir.as_std_path()))?;
        let container = match mounts.open_dir(OsStr::new(self.id.as_str()), crate::Crossing::Enter) {
            Ok(container) => container,
            Err(error) => return Ok(placeholder::gone_in_or_kept(&*mounts, OsStr::new(self.id.as_str()), error)),
        };
        let removal = placeholder::remove(&*container, OsStr::new(self.name))?;
        if matches!(removal, Removal::Removed) {
            *above = self.remove_empty(&*mounts);
        }
        Ok(removal)
    }

    /// Removes `<mounts>/<id>` where nothing is in it.
    pub(crate) fn remove_container_dir(&self) -> Result<Removal, Error> {
        match self.fs.open_dir(&Location::from(self.mounts_dir.as_std_path())) {
            Ok(mounts) => Ok(self.remove_empty(&*mounts)),
            Err(error) => {
                match placeholder::gone_or_kept(self.fs, &Location::from(self.mounts_dir.as_std_path()), error) {
                    Removal::Kept(error) => Err(error.into()),
                    Removal::Removed => Ok(Removal::Removed),
                }
            }
        }
    }

    /// Other names may still be in it, or a concurrent teardown may have been quicker: then it is as it should be.
    fn remove_empty(&self, mounts: &dyn Directory) -> Removal {
        let id = OsStr::new(self.id.as_str());
        match mounts.remove_dir(id) {
            Ok(()) => Removal::Removed,
            Err(error) if [Errno::ENOTEMPTY, Errno::EEXIST].contains(&error.errno()) => {
                let is_empty =
                    |directory: Box<dyn Directory>| directory.entries().is_ok_and(|mut all| all.next().is_none());
                if mounts.open_dir(id, crate::Crossing::Enter).is_ok_and(is_empty) {
                    Removal::Kept(error)
                } else {
                    Removal::Removed
                }
            }
            Err(error) => placeholder::gone_in_or_kept(mounts, id, error),
        }
    }
}

pub(crate) fn warn_symlink(id: &ContainerId) {
    tracing::warn!(target: "mountwright", subsystem = "mount", container = %id,
        "container dir is a symlink, malicious guest?");
}

pub(crate) fn warn_kept(path: &Path, error: &OsError) {
    tracing::warn!(target: "mountwright", subsystem = "mount", "share-dir" = %path.display(), %error,
        "Could not remove container share dir");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        DeviceNumber, DirectoryEntries, DirectoryEntry, FileKind, Metadata, MockDirectory, MockFilesystem, MockMounter,
        MountId, MountInfo, PathMount,
    };

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Unmount, "/m/c/rootfs", errno)
    }

    /// Unmounts answer in this order, and no other is asked for.
    fn unmounts(answers: &[Result<(), Errno>]) -> MockMounter {
        let mut mounter = MockMounter::new();
        let mut sequence = mockall::Sequence::new();
        for &answer in answers {
            mounter
                .expect_unmount()
                .withf(|request| {
                    *request.at() == Location::beneath("/m", "c/rootfs").unwrap()
                        && request.mode() == UnmountMode::Detach
                        && request.expected().is_none()
                })
                .times(1)
                .in_sequence(&mut sequence)
                .returning(move |_| answer.map_err(os));
        }
        mounter
    }

    /// The same, with a name that shows a mount, or none, once there is nothing more to unmount.
    fn unmounts_and_shows(answers: &[Result<(), Errno>], shows: Result<bool, Errno>) -> MockMounter {
        let mut mounter = unmounts(answers);
        mounter.expect_mount_of().times(1).returning(move |_| {
            let mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(0, 1));
            shows.map(|is_root| PathMount { mount, is_root }).map_err(os)
        });
        mounter
    }

    /// Removals of `rootfs` answer in this order; that of `c` answers `container`.
    fn removals(answers: &'static [Result<(), Errno>], container: Result<(), Errno>) -> MockFilesystem {
        let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().withf(|at| *at == Location::trusted("/m")).returning(move |_| {
            let next = next.clone();
            let mut mounts = MockDirectory::new();
            mounts.expect_open_dir().withf(|name, _| name == "c").returning(move |_, _| {
                let next = next.clone();
                let mut directory = MockDirectory::new();
                directory.expect_remove_dir().withf(|name| name == "rootfs").returning(move |_| {
                    let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    answers[turn].map_err(os)
                });
                directory
                    .expect_metadata()
                    .returning(|_| Ok(Metadata::new(FileKind::Regular, DeviceNumber::new(0, 1), 5)));
                directory.expect_remove_file().returning(|_| Ok(()));
                directory.expect_entries().returning(|| {
                    let entry = DirectoryEntry { name: "v".into(), kind: FileKind::Directory, inode: 9 };
                    Ok(DirectoryEntries::new(std::iter::once(Ok(entry))))
                });
                Ok(Box::new(directory))
            });
            mounts.expect_remove_dir().withf(|name| name == "c").returning(move |_| container.map_err(os));
            mounts.expect_metadata().withf(|name| name == "c").returning(|_| Err(os(Errno::ENOENT)));
            Ok(Box::new(mounts))
        });
        fs
    }

    fn run(mounter: &MockMounter, fs: &MockFilesystem) -> Result<UnshareOutcome, Error> {
        unshare_rootfs(fs, mounter, "/m".into(), &ContainerId::new("c").unwrap())
    }

    const REMOVED: NameAfter = NameAfter::Removed;
    const KEPT: NameAfter = NameAfter::Kept;

    #[test]
    fn one_layer_takes_one_unmount() {
        let (mounter, fs) = (unmounts(&[Ok(())]), removals(&[Ok(())], Ok(())));
        assert_eq!(run(&mounter, &fs), Ok(UnshareOutcome::Detached { layers: 1, name: REMOVED }));
    }

    #[test]
    fn every_stacked_layer_is_detached() {
        let mounter = unmounts(&[Ok(()), Ok(()), Ok(())]);
        let fs = removals(&[Err(Errno::EBUSY), Err(Errno::EBUSY), Ok(())], Ok(()));
        assert_eq!(run(&mounter, &fs), Ok(UnshareOutcome::Detached { layers: 3, name: REMOVED }));
    }

    #[test]
    fn a_name_that_stays_for_another_reason_does_not_hide_a_layer() {
        let mounter = unmounts_and_shows(&[Ok(()), Ok(()), Err(Errno::EINVAL)], Ok(false));
        let fs = removals(&[Err(Errno::EROFS), Err(Errno::EROFS), Err(Errno::EROFS)], Ok(()));
        assert_eq!(run(&mounter, &fs), Ok(UnshareOutcome::Detached { layers: 2, name: KEPT }));
    }

    #[test]
    fn a_directory_that_is_no_mount_is_not_mounted_and_removed_if_empty() {
        let mounter = unmounts(&[Err(Errno::EINVAL)]);
        assert_eq!(
            run(&mounter, &removals(&[Ok(())], Err(Errno::ENOTEMPTY))),
            Ok(UnshareOutcome::NotMounted { name: REMOVED })
        );
        let mounter = unmounts_and_shows(&[Err(Errno::EINVAL)], Ok(false));
        assert_eq!(
            run(&mounter, &removals(&[Err(Errno::ENOTEMPTY)], Ok(()))),
            Ok(UnshareOutcome::NotMounted { name: KEPT })
        );
    }

    #[test]
    fn a_missing_path_is_not_an_error() {
        let mounter = unmounts(&[Err(Errno::ENOENT)]);
        assert_eq!(run(&mounter, &removals(&[], Err(Errno::ENOENT))), Ok(UnshareOutcome::Missing));
    }

    #[test]
    fn a_symlink_is_refused_and_nothing_is_touched() {
        let mounter = unmounts(&[Err(Errno::ELOOP)]);
        assert_eq!(run(&mounter, &MockFilesystem::new()), Ok(UnshareOutcome::RefusedSymlink));
    }

    /// `rootfs` is a symlink when it is removed.
    fn a_symlink_by_then() -> MockFilesystem {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(|_| {
            let mut mounts = MockDirectory::new();
            mounts.expect_open_dir().returning(|_, _| {
                let mut directory = MockDirectory::new();
                directory.expect_remove_dir().returning(|_| Err(os(Errno::ENOTDIR)));
                directory
                    .expect_metadata()
                    .returning(|_| Ok(Metadata::new(FileKind::Symlink, DeviceNumber::new(0, 1), 5)));
                Ok(Box::new(directory))
            });
            Ok(Box::new(mounts))
        });
        fs
    }

    #[test]
    fn a_name_that_is_a_symlink_only_when_it_is_removed_is_refused_too() {
        let mounter = unmounts(&[Err(Errno::EINVAL)]);
        assert_eq!(run(&mounter, &a_symlink_by_then()), Ok(UnshareOutcome::RefusedSymlink));
    }

    #[test]
    fn a_layer_off_and_then_a_symlink_is_an_error() {
        let mounter = unmounts(&[Ok(()), Err(Errno::EINVAL)]);
        let error = run(&mounter, &a_symlink_by_then()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ELOOP));
    }

    #[test]
    fn a_name_that_shows_a_mount_after_all_is_not_said_to_be_off() {
        let mounter = unmounts_and_shows(&[Err(Errno::EINVAL)], Ok(true));
        let error = run(&mounter, &removals(&[Err(Errno::ENOTEMPTY)], Ok(()))).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EBUSY));
        let mounter = unmounts_and_shows(&[Err(Errno::EINVAL)], Err(Errno::ELOOP));
        assert_eq!(run(&mounter, &removals(&[Err(Errno::ENOTEMPTY)], Ok(()))), Ok(UnshareOutcome::RefusedSymlink));
    }

    #[test]
    fn a_name_that_cannot_be_looked_at_is_an_error() {
        for errno in [Errno::EXDEV, Errno::EACCES, Errno::EMFILE] {
            let mounter = unmounts_and_shows(&[Err(Errno::EINVAL)], Err(errno));
            let fs = removals(&[Err(Errno::EROFS)], Ok(()));
            assert_eq!(run(&mounter, &fs).unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn a_locked_mount_is_an_error_and_not_a_loop() {
        let mounter = unmounts(&[Err(Errno::EINVAL)]);
        let error = run(&mounter, &removals(&[Err(Errno::EBUSY)], Ok(()))).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EBUSY));
    }

    #[test]
    fn what_the_kernel_refuses_is_an_error() {
        for errno in [Errno::EPERM, Errno::EXDEV, Errno::EACCES] {
            let error = run(&unmounts(&[Err(errno)]), &MockFilesystem::new()).unwrap_err();
            assert_eq!(error.errno(), Some(errno));
        }
    }

    #[test]
    fn an_empty_container_directory_that_stays_is_told() {
        for (container, name) in [(Errno::EROFS, KEPT), (Errno::ENOENT, REMOVED)] {
            let outcome = UnshareOutcome::Detached { layers: 1, name };
            assert_eq!(run(&unmounts(&[Ok(())]), &removals(&[Ok(())], Err(container))), Ok(outcome));
        }
    }

    #[test]
    fn the_empty_placeholder_of_a_file_is_removed() {
        let (mounter, fs) = (unmounts(&[Ok(())]), removals(&[Err(Errno::ENOTDIR)], Ok(())));
        assert_eq!(run(&mounter, &fs), Ok(UnshareOutcome::Detached { layers: 1, name: REMOVED }));
    }

    #[test]
    fn a_name_that_is_gone_or_a_symlink_once_a_layer_is_off_is_an_error() {
        for errno in [Errno::ENOENT, Errno::ELOOP] {
            let mounter = unmounts(&[Ok(()), Err(errno)]);
            let error = run(&mounter, &removals(&[Err(Errno::EBUSY)], Ok(()))).unwrap_err();
            assert_eq!(error.errno(), Some(errno));
        }
    }

    #[test]
    fn a_name_that_is_gone_by_the_second_look_is_not_mounted() {
        let mounter = unmounts_and_shows(&[Err(Errno::EINVAL)], Err(Errno::ENOENT));
        let outcome = run(&mounter, &removals(&[Err(Errno::ENOTEMPTY)], Ok(())));
        assert_eq!(outcome, Ok(UnshareOutcome::NotMounted { name: KEPT }));
    }
}
