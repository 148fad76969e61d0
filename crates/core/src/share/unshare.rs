//! Removal of shares.

use std::ffi::OsStr;
use std::path::Path;

use camino::Utf8Path;

use crate::error::{Errno, Error, Operation, OsError};
use crate::file::FileIdentity;
use crate::mount::UnmountMode;
use crate::path::{ContainerId, Crossing, Location};
use crate::ports::{Directory, Filesystem, Mounter};
use crate::share::layout::{container_dir, share_location};
use crate::unmount::placeholder::{self, Removal};
use crate::unmount::{NameAfter, UnshareOutcome};

pub(crate) fn unshare(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    name: &str,
) -> Result<UnshareOutcome, Error> {
    let at = share_location(mounts_dir, id, name)?;
    let container_path = mounts_dir.as_std_path().join(id.as_str());
    let container = match ContainerDir::open(fs, mounts_dir, id) {
        Ok(container) => container,
        Err(error) if error.errno() == Errno::ENOENT => {
            return match placeholder::gone_or_kept(fs, &container_dir(mounts_dir, id)?, error) {
                Removal::Removed => Ok(UnshareOutcome::Missing),
                Removal::Kept(error) => Err(error.into()),
            };
        }
        Err(error) if error.errno() == Errno::ELOOP => {
            warn_symlink(id);
            return Ok(UnshareOutcome::RefusedSymlink);
        }
        Err(error) => return Err(error.into()),
    };
    let (directory, name) = (&*container.directory, OsStr::new(name));
    let (layers, removal) =
        match detach_layers(mounter, &at, (directory, name), || placeholder::remove(directory, name))? {
            Layers::Off { count, removal } => (count, removal),
            Layers::Missing => {
                if let Removal::Kept(error) = container.remove_if_empty() {
                    warn_kept(&container_path, &error);
                }
                return Ok(UnshareOutcome::Missing);
            }
            Layers::Symlink => {
                warn_symlink(id);
                return Ok(UnshareOutcome::RefusedSymlink);
            }
        };
    let name = match removal {
        Removal::Kept(error) => {
            warn_kept(&at.for_display(), &error);
            NameAfter::Kept
        }
        Removal::Removed => match container.remove_if_empty() {
            Removal::Removed => NameAfter::Removed,
            Removal::Kept(error) => {
                warn_kept(&container_path, &error);
                NameAfter::Kept
            }
        },
    };
    Ok(match layers {
        0 => UnshareOutcome::NotMounted { name },
        layers => UnshareOutcome::Detached { layers, name },
    })
}

/// Mounts that were found on a name, and unmounted.
pub(crate) enum Layers {
    Off { count: u32, removal: Removal },
    Missing,
    Symlink,
}

/// The maximum number of attempts to remove a name on which another process mounts repeatedly.
const MOST_ATTEMPTS: u32 = 4;

/// Unmounts every layer on a name of an open directory, lazily, and removes the name. A name that is still busy has
/// another layer. Any other reason for which it stays does not show whether there are layers, so the loop unmounts
/// until there is none.
pub(crate) fn detach_layers(
    mounter: &dyn Mounter,
    at: &Location,
    (directory, name): (&dyn Directory, &OsStr),
    mut remove: impl FnMut() -> Result<Removal, Error>,
) -> Result<Layers, Error> {
    let mut count = 0;
    let mut attempts = 0;
    loop {
        let took_one = match directory.unmount(name, UnmountMode::Detach, None) {
            Ok(()) => true,
            Err(error) => match error.errno() {
                Errno::EINVAL => false,
                Errno::ENOENT if count == 0 => return Ok(Layers::Missing),
                // Another process removed the name once it was free.
                Errno::ENOENT => return gone_after(directory, name, count, error),
                Errno::ELOOP if count == 0 => return Ok(Layers::Symlink),
                _ => return Err(error.into()),
            },
        };
        count += u32::from(took_one);
        match remove()? {
            Removal::Removed => return Ok(Layers::Off { count, removal: Removal::Removed }),
            Removal::Kept(_) if took_one => {}
            // Nothing could be unmounted and yet it is a mount point: locked, or another process is mounting.
            Removal::Kept(error) if error.errno() == Errno::EBUSY => {
                attempts += 1;
                if attempts == MOST_ATTEMPTS {
                    return Err(error.into());
                }
            }
            removal @ Removal::Kept(_) => return seen_to_be_off(mounter, at, count, removal),
        }
    }
}

fn gone_after(directory: &dyn Directory, name: &OsStr, count: u32, error: OsError) -> Result<Layers, Error> {
    match placeholder::gone_in_or_kept(directory, name, error) {
        Removal::Removed => Ok(Layers::Off { count, removal: Removal::Removed }),
        Removal::Kept(error) => Err(error.into()),
    }
}

/// Checks a name that stays although nothing more could be unmounted. It may have led elsewhere at the moment of the
/// unmount: where it is a symlink or a mount point now, it is not reported as unmounted.
fn seen_to_be_off(mounter: &dyn Mounter, at: &Location, count: u32, removal: Removal) -> Result<Layers, Error> {
    let link = match &removal {
        Removal::Kept(error) if error.errno() == Errno::ELOOP => Some(error.clone()),
        // Another file was removed: this one, and the mounts on it, have another name by now.
        Removal::Kept(error) if error.errno() == Errno::ESTALE => return Err(error.clone().into()),
        _ => match mounter.mount_of(at) {
            Ok(found) if found.is_root => {
                return Err(OsError::new(Operation::Unmount, at.for_display(), Errno::EBUSY).into());
            }
            Err(error) if error.errno() == Errno::ELOOP => Some(error),
            // A name that is being moved (`EXDEV`), or cannot be looked up, is not proven to be unmounted.
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

/// A container's directory, opened once below the mounts directory, without crossing a mount.
pub(crate) struct ContainerDir<'a> {
    pub(crate) directory: Box<dyn Directory>,
    mounts: Box<dyn Directory>,
    id: &'a OsStr,
}

impl<'a> ContainerDir<'a> {
    pub(crate) fn open(fs: &dyn Filesystem, mounts_dir: &Utf8Path, id: &'a ContainerId) -> Result<Self, OsError> {
        let id = OsStr::new(id.as_str());
        let mounts = fs.open_dir(&Location::from(mounts_dir.as_std_path()))?;
        Ok(Self { directory: mounts.open_dir(id, Crossing::Refuse)?, mounts, id })
    }

    /// Removes the directory where it is empty and its name still leads to it. A directory with other names in it, or
    /// one that a concurrent call has removed, counts as success.
    pub(crate) fn remove_if_empty(&self) -> Removal {
        let named = match self.mounts.metadata(self.id) {
            Ok(named) => named,
            // It counts as gone only if two calls report that, as everywhere.
            Err(error) => {
                let gone = |other: &OsError| other.errno() == Errno::ENOENT;
                let is_gone = gone(&error) && self.mounts.open_entry(self.id).is_err_and(|other| gone(&other));
                return if is_gone { Removal::Removed } else { Removal::Kept(error) };
            }
        };
        match self.directory.own_metadata() {
            Ok(own) if FileIdentity::from(&own) == FileIdentity::from(&named) => {}
            Ok(_) => return Removal::Kept(OsError::new(Operation::RemoveDir, self.id_shown(), Errno::ESTALE)),
            Err(error) => return Removal::Kept(error),
        }
        match self.mounts.remove_dir(self.id) {
            Ok(()) => Removal::Removed,
            Err(error) if [Errno::ENOTEMPTY, Errno::EEXIST].contains(&error.errno()) => {
                let is_empty = self.directory.entries().is_ok_and(|mut all| all.next().is_none());
                if is_empty { Removal::Kept(error) } else { Removal::Removed }
            }
            Err(error) => placeholder::gone_in_or_kept(&*self.mounts, self.id, error),
        }
    }

    fn id_shown(&self) -> &Path {
        Path::new(self.id)
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
    use crate::file::{DeviceNumber, DirectoryEntry, FileKind, Metadata};
    use crate::mount::{MountId, MountInfo, PathMount};
    use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter, MockOpenEntry};
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

    fn run(mounter: &MockMounter, fs: &MockFilesystem) -> Result<UnshareOutcome, Error> {
        unshare(fs, mounter, "/m".into(), &ContainerId::new("c").unwrap(), "rootfs")
    }

    const REMOVED: NameAfter = NameAfter::Removed;
    const KEPT: NameAfter = NameAfter::Kept;

    fn run_alone(fs: &MockFilesystem) -> Result<UnshareOutcome, Error> {
        run(&MockMounter::new(), fs)
    }

    #[test]
    fn one_layer_takes_one_unmount() {
        let outcome = run_alone(&world(&[Ok(())], &[Ok(())], Ok(())));
        assert_eq!(outcome, Ok(UnshareOutcome::Detached { layers: 1, name: REMOVED }));
    }

    #[test]
    fn every_stacked_layer_is_detached() {
        let fs = world(&[Ok(()), Ok(()), Ok(())], &[Err(Errno::EBUSY), Err(Errno::EBUSY), Ok(())], Ok(()));
        assert_eq!(run_alone(&fs), Ok(UnshareOutcome::Detached { layers: 3, name: REMOVED }));
    }

    #[test]
    fn a_name_that_stays_for_another_reason_does_not_hide_a_layer() {
        let removals = &[Err(Errno::EROFS), Err(Errno::EROFS), Err(Errno::EROFS)];
        let fs = world(&[Ok(()), Ok(()), Err(Errno::EINVAL)], removals, Ok(()));
        assert_eq!(run(&shows(Ok(false)), &fs), Ok(UnshareOutcome::Detached { layers: 2, name: KEPT }));
    }

    #[test]
    fn a_directory_that_is_no_mount_is_not_mounted_and_removed_if_empty() {
        let fs = world(&[Err(Errno::EINVAL)], &[Ok(())], Err(Errno::ENOTEMPTY));
        assert_eq!(run_alone(&fs), Ok(UnshareOutcome::NotMounted { name: REMOVED }));
        let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
        assert_eq!(run(&shows(Ok(false)), &fs), Ok(UnshareOutcome::NotMounted { name: KEPT }));
    }

    #[test]
    fn a_missing_path_is_not_an_error() {
        assert_eq!(run_alone(&world(&[Err(Errno::ENOENT)], &[], Err(Errno::ENOENT))), Ok(UnshareOutcome::Missing));
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
        assert_eq!(run_alone(&without_container(Errno::ENOENT)), Ok(UnshareOutcome::Missing));
        assert_eq!(run_alone(&without_container(Errno::ELOOP)), Ok(UnshareOutcome::RefusedSymlink));
        for errno in [Errno::EPERM, Errno::EXDEV, Errno::EACCES, Errno::EMFILE] {
            assert_eq!(run_alone(&without_container(errno)).unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn a_symlink_is_refused_and_nothing_is_touched() {
        let fs = world(&[Err(Errno::ELOOP)], &[], Ok(()));
        assert_eq!(run_alone(&fs), Ok(UnshareOutcome::RefusedSymlink));
    }

    /// `rootfs` is a symlink when it is removed.
    fn a_symlink_by_then(unmounts: Unmounts) -> MockFilesystem {
        world_of(unmounts, &[Err(Errno::ENOTDIR), Err(Errno::ENOTDIR)], Ok(()), (FileKind::Symlink, 1))
    }

    #[test]
    fn a_name_that_is_a_symlink_only_when_it_is_removed_is_refused_too() {
        assert_eq!(run_alone(&a_symlink_by_then(&[Err(Errno::EINVAL)])), Ok(UnshareOutcome::RefusedSymlink));
    }

    #[test]
    fn a_layer_off_and_then_a_symlink_is_an_error() {
        let error = run_alone(&a_symlink_by_then(&[Ok(()), Err(Errno::EINVAL)])).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ELOOP));
    }

    #[test]
    fn a_name_that_shows_a_mount_after_all_is_not_said_to_be_off() {
        let fs = || world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
        assert_eq!(run(&shows(Ok(true)), &fs()).unwrap_err().errno(), Some(Errno::EBUSY));
        assert_eq!(run(&shows(Err(Errno::ELOOP)), &fs()), Ok(UnshareOutcome::RefusedSymlink));
    }

    #[test]
    fn a_locked_mount_is_an_error_and_not_a_loop() {
        const LOCKED: Unmounts = &[Err(Errno::EINVAL); MOST_ATTEMPTS as usize];
        const BUSY: Unmounts = &[Err(Errno::EBUSY); MOST_ATTEMPTS as usize];
        assert_eq!(run_alone(&world(LOCKED, BUSY, Ok(()))).unwrap_err().errno(), Some(Errno::EBUSY));
    }

    #[test]
    fn mount_made_on_the_name_between_unmount_and_removal_is_unmounted_too() {
        let fs = world(&[Err(Errno::EINVAL), Ok(())], &[Err(Errno::EBUSY), Ok(())], Ok(()));
        assert_eq!(run_alone(&fs), Ok(UnshareOutcome::Detached { layers: 1, name: REMOVED }));
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
    fn an_empty_container_directory_that_stays_is_told() {
        for (container, name) in [(Errno::EROFS, KEPT), (Errno::ENOENT, REMOVED), (Errno::ESTALE, KEPT)] {
            let outcome = UnshareOutcome::Detached { layers: 1, name };
            assert_eq!(run_alone(&world(&[Ok(())], &[Ok(())], Err(container))), Ok(outcome), "{container}");
        }
    }

    #[test]
    fn the_empty_placeholder_of_a_file_is_removed() {
        let fs = world(&[Ok(())], &[Err(Errno::ENOTDIR)], Ok(()));
        assert_eq!(run_alone(&fs), Ok(UnshareOutcome::Detached { layers: 1, name: REMOVED }));
    }

    #[test]
    fn a_name_that_becomes_a_symlink_once_a_layer_is_off_is_an_error() {
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
        for errno in [Errno::EXDEV, Errno::EACCES, Errno::EMFILE] {
            let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::EROFS)], Ok(()));
            assert_eq!(run(&shows(Err(errno)), &fs).unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn a_name_that_is_gone_by_the_second_look_is_not_mounted() {
        let fs = world(&[Err(Errno::EINVAL)], &[Err(Errno::ENOTEMPTY)], Ok(()));
        assert_eq!(run(&shows(Err(Errno::ENOENT)), &fs), Ok(UnshareOutcome::NotMounted { name: KEPT }));
    }
}
