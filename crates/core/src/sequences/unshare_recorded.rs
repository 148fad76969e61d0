//! Taking off the one mount that a record speaks of.

use camino::Utf8Path;

use crate::sequences::placeholder::{self, Removal};
use crate::sequences::share_name::share_location;
use crate::sequences::unshare::{warn_kept, warn_symlink};
use crate::{
    Errno, Error, Filesystem, Location, MountInfo, MountKey, Mounter, NameAfter, Placeholder, ShareRecord, UnmountMode,
    UnmountRequest, UnshareOutcome,
};

/// Takes off the mount of `record`, wherever it is now, and no other; then removes what was made for it
/// ([`ShareRecord::made`]): the same files, one level each, and only while they are empty.
///
/// * Where something else is mounted on top of it, nothing is done: [`UnshareOutcome::Covered`].
/// * Where the name was swapped or moved by then, the mount is found again by its identity and taken off where it is.
/// * With an id that the kernel uses again ([`MountKey::Reused`]) the mount must also be of the recorded device and subpath.
///
/// # Errors
///
/// As [`unshare_rootfs`](crate::unshare_rootfs).
pub fn unshare_recorded(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    record: &ShareRecord,
) -> Result<UnshareOutcome, Error> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_recorded", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %record.container, name = record.name);
    span.in_scope(|| {
        let at = share_location(mounts_dir, &record.container, &record.name)?;
        if !may_be_ours(mounter, record)? {
            return Ok(UnshareOutcome::NotMounted { name: NameAfter::Kept });
        }
        let instead = match mounter.unmount(&detach_only(&at, record.mount)) {
            Ok(()) => {
                let name = remove_names(fs, &record.made, &at)?;
                return Ok(UnshareOutcome::Detached { layers: 1, name });
            }
            Err(error) => match error.errno() {
                Errno::ESTALE => UnshareOutcome::Covered,
                Errno::ELOOP => {
                    warn_symlink(&record.container);
                    UnshareOutcome::RefusedSymlink
                }
                Errno::ENOENT | Errno::ENOTDIR => UnshareOutcome::Missing,
                Errno::EINVAL | Errno::EXDEV => UnshareOutcome::NotMounted { name: NameAfter::Kept },
                _ => return Err(error.into()),
            },
        };
        by_identity(mounter, record, &at, instead)
    })
}

/// The name does not show the mount: it may be elsewhere, beneath something, or gone.
fn by_identity(
    mounter: &dyn Mounter,
    record: &ShareRecord,
    at: &Location,
    instead: UnshareOutcome,
) -> Result<UnshareOutcome, Error> {
    let info = match mounter.find_mount(record.mount) {
        Ok(info) => info,
        Err(error) if error.errno() == Errno::ENOENT => {
            let gone = UnshareOutcome::NotMounted { name: NameAfter::Kept };
            return Ok(if instead == UnshareOutcome::Covered { gone } else { instead });
        }
        Err(error) => return Err(error.into()),
    };
    if info.mount_point == at.for_display() {
        return Ok(instead);
    }
    match mounter.unmount(&detach_only(&Location::Trusted(info.mount_point), record.mount)) {
        Ok(()) => Ok(UnshareOutcome::Detached { layers: 1, name: NameAfter::Kept }),
        Err(error) if error.errno() == Errno::ESTALE => Ok(UnshareOutcome::Covered),
        Err(error) => Err(error.into()),
    }
}

/// Removes what was made for the share. The container's directory stays while another share is in it.
fn remove_names(fs: &dyn Filesystem, made: &[Placeholder], at: &Location) -> Result<NameAfter, Error> {
    let mut name = NameAfter::Kept;
    for made in made.iter().rev() {
        match placeholder::remove_made(fs, made)? {
            Removal::Removed if made.at == *at => name = NameAfter::Removed,
            Removal::Removed => {}
            Removal::Kept(error) if made.at != *at && error.errno() == Errno::ENOTEMPTY => {}
            Removal::Kept(error) => warn_kept(&made.at.for_display(), &error),
        }
    }
    Ok(name)
}

fn detach_only(at: &Location, mount: MountKey) -> UnmountRequest {
    UnmountRequest::new(at.clone()).with_mode(UnmountMode::Detach).only(mount)
}

/// A unique id is proof in itself; one that is used again needs the device and the subpath besides.
fn may_be_ours(mounter: &dyn Mounter, record: &ShareRecord) -> Result<bool, Error> {
    if matches!(record.mount, MountKey::Unique(_)) {
        return Ok(true);
    }
    match mounter.find_mount(record.mount) {
        Ok(info) => Ok(is_this_mount(record, &info)),
        Err(error) if error.errno() == Errno::ENOENT => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// True where `found`, found by the id of `record`, is the mount that was recorded.
pub(crate) fn is_this_mount(record: &ShareRecord, found: &MountInfo) -> bool {
    match record.mount {
        MountKey::Unique(_) => true,
        MountKey::Reused(_) => found.device == record.device && found.root == record.subpath,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContainerId, DeviceNumber, FileIdentity, FileKind, Metadata, MockDirectory, MockFilesystem, MockMounter,
        MountId, Operation, OsError, UniqueMountId,
    };
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};

    const UNIQUE: MountKey = MountKey::Unique(UniqueMountId(NonZeroU64::new(77).unwrap()));
    const REUSED: MountKey = MountKey::Reused(MountId(9));

    fn record(mount: MountKey) -> ShareRecord {
        ShareRecord {
            container: ContainerId::new("c").unwrap(),
            name: "rootfs".into(),
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

    /// Directories with these inode numbers, all empty, and the list of those that were removed.
    fn filesystem(found: &'static [(&'static str, u64)]) -> (MockFilesystem, Arc<Mutex<Vec<Location>>>) {
        let mut fs = MockFilesystem::new();
        let removed = Arc::new(Mutex::new(Vec::new()));
        let sink = removed.clone();
        fs.expect_open_dir().returning(move |above| {
            let below = match above {
                Location::Trusted(_) => String::new(),
                Location::Beneath { path, .. } => format!("{}/", path.as_path().display()),
            };
            let path = move |name: &std::ffi::OsStr| format!("{below}{}", name.to_str().unwrap());
            let mut directory = MockDirectory::new();
            let of = path.clone();
            directory.expect_metadata().returning(move |name| {
                let (_, inode) = found.iter().find(|(path, _)| *path == of(name)).unwrap();
                Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(0, 7), *inode))
            });
            let sink = sink.clone();
            directory.expect_remove_dir().returning(move |name| {
                sink.lock().unwrap().push(Location::beneath("/m", path(name)).unwrap());
                Ok(())
            });
            Ok(Box::new(directory))
        });
        (fs, removed)
    }

    fn run(mounter: &MockMounter, fs: &MockFilesystem, mount: MountKey) -> Result<UnshareOutcome, Error> {
        unshare_recorded(fs, mounter, "/m".into(), &record(mount))
    }

    #[test]
    fn the_recorded_mount_goes_and_its_name() {
        let mut mounter = MockMounter::new();
        mounter
            .expect_unmount()
            .withf(|r| *r.at() == at_name() && r.mode() == UnmountMode::Detach && r.expected() == Some(UNIQUE))
            .times(1)
            .returning(|_| Ok(()));
        let (fs, removed) = filesystem(&[("c", 5), ("c/rootfs", 6)]);
        let done = UnshareOutcome::Detached { layers: 1, name: NameAfter::Removed };
        assert_eq!(run(&mounter, &fs, UNIQUE), Ok(done));
        assert_eq!(*removed.lock().unwrap(), [at_name(), Location::beneath("/m", "c").unwrap()]);
    }

    #[test]
    fn another_file_that_has_the_name_by_now_stays() {
        let mut mounter = MockMounter::new();
        mounter.expect_unmount().times(1).returning(|_| Ok(()));
        let (fs, removed) = filesystem(&[("c", 5), ("c/rootfs", 66)]);
        let done = UnshareOutcome::Detached { layers: 1, name: NameAfter::Kept };
        assert_eq!(run(&mounter, &fs, UNIQUE), Ok(done));
        assert_eq!(*removed.lock().unwrap(), [Location::beneath("/m", "c").unwrap()]);
    }

    #[test]
    fn a_cover_is_left_alone() {
        let mut mounter = MockMounter::new();
        mounter.expect_unmount().times(1).returning(|_| Err(refused(Errno::ESTALE)));
        mounter.expect_find_mount().returning(|_| Ok(mount_at("/m/c/rootfs", DeviceNumber::new(8, 1))));
        assert_eq!(run(&mounter, &MockFilesystem::new(), UNIQUE), Ok(UnshareOutcome::Covered));
    }

    #[test]
    fn a_swapped_name_does_not_hide_the_mount() {
        let mut mounter = MockMounter::new();
        mounter.expect_unmount().withf(|r| *r.at() == at_name()).returning(|_| Err(refused(Errno::ELOOP)));
        mounter.expect_find_mount().returning(|_| Ok(mount_at("/m/moved/rootfs", DeviceNumber::new(8, 1))));
        mounter
            .expect_unmount()
            .withf(|r| *r.at() == Location::trusted("/m/moved/rootfs") && r.expected() == Some(UNIQUE))
            .times(1)
            .returning(|_| Ok(()));
        let done = UnshareOutcome::Detached { layers: 1, name: NameAfter::Kept };
        assert_eq!(run(&mounter, &MockFilesystem::new(), UNIQUE), Ok(done));
    }

    #[test]
    fn a_mount_that_is_gone_leaves_what_the_name_says() {
        for (errno, outcome) in [
            (Errno::ELOOP, UnshareOutcome::RefusedSymlink),
            (Errno::ENOENT, UnshareOutcome::Missing),
            (Errno::EINVAL, UnshareOutcome::NotMounted { name: NameAfter::Kept }),
            (Errno::ESTALE, UnshareOutcome::NotMounted { name: NameAfter::Kept }),
        ] {
            let mut mounter = MockMounter::new();
            mounter.expect_unmount().times(1).returning(move |_| Err(refused(errno)));
            mounter.expect_find_mount().returning(|key| Err(OsError::new(Operation::FindMount, key, Errno::ENOENT)));
            assert_eq!(run(&mounter, &MockFilesystem::new(), UNIQUE), Ok(outcome), "{errno}");
        }
    }

    #[test]
    fn a_reused_id_of_another_filesystem_is_not_ours() {
        let mut mounter = MockMounter::new();
        mounter.expect_find_mount().returning(|_| Ok(mount_at("/m/c/rootfs", DeviceNumber::new(8, 2))));
        let untouched = UnshareOutcome::NotMounted { name: NameAfter::Kept };
        assert_eq!(run(&mounter, &MockFilesystem::new(), REUSED), Ok(untouched));
    }

    #[test]
    fn what_the_kernel_refuses_is_an_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_unmount().returning(|_| Err(refused(Errno::EPERM)));
        assert_eq!(run(&mounter, &MockFilesystem::new(), UNIQUE).unwrap_err().errno(), Some(Errno::EPERM));
    }

    #[test]
    fn a_mount_that_cannot_be_looked_for_is_an_error() {
        for mount in [UNIQUE, REUSED] {
            let mut mounter = MockMounter::new();
            mounter.expect_unmount().returning(|_| Err(refused(Errno::ENOENT)));
            mounter.expect_find_mount().returning(|key| Err(OsError::new(Operation::FindMount, key, Errno::EIO)));
            assert_eq!(run(&mounter, &MockFilesystem::new(), mount).unwrap_err().errno(), Some(Errno::EIO));
        }
    }

    #[test]
    fn a_reused_id_that_is_not_there_is_a_mount_that_is_gone() {
        let mut mounter = MockMounter::new();
        mounter.expect_find_mount().returning(|key| Err(OsError::new(Operation::FindMount, key, Errno::ENOENT)));
        let gone = UnshareOutcome::NotMounted { name: NameAfter::Kept };
        assert_eq!(run(&mounter, &MockFilesystem::new(), REUSED), Ok(gone));
    }

    #[test]
    fn what_is_elsewhere_may_be_covered_or_refused() {
        for (errno, outcome) in [(Errno::ESTALE, Ok(UnshareOutcome::Covered)), (Errno::EPERM, Err(Some(Errno::EPERM)))]
        {
            let mut mounter = MockMounter::new();
            mounter.expect_unmount().withf(|r| *r.at() == at_name()).returning(|_| Err(refused(Errno::ENOENT)));
            mounter.expect_find_mount().returning(|_| Ok(mount_at("/m/moved/rootfs", DeviceNumber::new(8, 1))));
            mounter.expect_unmount().returning(move |_| Err(refused(errno)));
            assert_eq!(run(&mounter, &MockFilesystem::new(), UNIQUE).map_err(|error| error.errno()), outcome);
        }
    }

    /// What becomes of the name, and what is removed of these names.
    fn names_removed(paper: &crate::sequences::paper::SharedPaper) -> (NameAfter, String) {
        let mut record = record(UNIQUE);
        for made in &mut record.made {
            let path = made.at.for_display();
            made.identity.device = crate::sequences::paper::PAPER;
            made.identity.inode = paper.lock().unwrap().inode(path.to_str().unwrap());
        }
        let fs = crate::sequences::paper::filesystem(paper);
        let name = remove_names(&fs, &record.made, &at_name()).unwrap();
        (name, paper.lock().unwrap().log.join(", "))
    }

    #[test]
    fn a_directory_that_another_share_is_in_stays() {
        let paper = crate::sequences::paper::Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/v"]);
        assert_eq!(names_removed(&paper), (NameAfter::Removed, "remove /m/c/rootfs".to_owned()));
        let paper = crate::sequences::paper::Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/rootfs/x"]);
        assert_eq!(names_removed(&paper), (NameAfter::Kept, String::new()));
    }
}
