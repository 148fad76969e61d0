//! Unmount of one known mount, wherever it is.

use std::path::{Path, PathBuf};

use crate::error::{Errno, Error, OsError};
use crate::mount::{MountInfo, MountKey, MountSubtree, UnmountMode, UnmountRequest};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};
use crate::unmount::placeholder::is_gone;
use crate::unmount::record_state::shows_same;
use crate::unmount::stack::{How, Stack, Stop};
use crate::unmount::{NameAfter, Removal};

/// The maximum number of look-ups of a mount that another process keeps moving.
pub(crate) const MOST_LOOKS: u32 = 16;

/// Result of unmounting a mount by its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identified {
    /// It is unmounted. The path is its last mount point.
    Unmounted(PathBuf),
    /// It was gone already.
    Gone,
    /// The mount with its id shows something else, or is where a reused id proves nothing.
    AnotherMount,
    /// It was found, and was not unmounted.
    Not(Removal),
}

impl Identified {
    /// The number of mounts that were unmounted.
    pub(crate) fn layers(self) -> Result<u32, Stop> {
        match self {
            Self::Unmounted(_) => Ok(1),
            Self::Gone | Self::AnotherMount => Ok(0),
            Self::Not(removal) => Err(Stop::Not(removal)),
        }
    }
}

/// The directory below which a mount with this id is proven to be the recorded one; `None` where the id alone proves it.
/// Before Linux 6.8 ids are reused, also for a mount of the same directory elsewhere.
pub(crate) fn proven_below(
    fs: &dyn Filesystem,
    mounts_dir: &Path,
    mount: MountKey,
) -> Result<Option<PathBuf>, OsError> {
    match mount {
        MountKey::Unique(_) => Ok(None),
        MountKey::Reused(_) => match fs.canonicalize(mounts_dir) {
            Err(error) if is_gone(error.errno()) => Ok(Some(mounts_dir.to_owned())),
            found => found.map(Some),
        },
    }
}

/// Unmounts the mount with this id wherever it is, after checking that it shows the expected subtree and is below the
/// directory that [`proven_below`] returned. Where another process moved or unmounted it, it is looked up again; the same
/// outcome twice at the same place is the result.
pub(crate) fn unmount_found(
    mounter: &dyn Mounter,
    mount: MountKey,
    (shows, below): (Option<&MountSubtree>, Option<&Path>),
    how: How,
) -> Result<Identified, Error> {
    let mut before = None;
    for _ in 0..MOST_LOOKS {
        let found = match mounter.find_mount(mount) {
            Ok(found) => found,
            Err(error) if error.errno() == Errno::ENOENT => return Ok(Identified::Gone),
            Err(error) => return Err(error.into()),
        };
        let is_elsewhere = below.is_some_and(|below| !found.mount_point.starts_with(below));
        if is_elsewhere || shows.is_some_and(|shows| !shows_same(&found, shows)) {
            return Ok(Identified::AnotherMount);
        }
        let at = Location::Trusted(found.mount_point.clone());
        let removal = match Stack::found(mounter, &at, (&found, mount), how).unmount() {
            Ok(0) => Removal::NotMounted { target: NameAfter::Kept },
            Ok(_) => return Ok(Identified::Unmounted(found.mount_point)),
            Err(stop) => stop.removal()?,
        };
        if matches!(removal, Removal::Busy { .. }) {
            return Ok(Identified::Not(removal));
        }
        let now = (found.mount_point, removal);
        if before.as_ref() == Some(&now) {
            return Ok(Identified::Not(now.1.existing()));
        }
        before = Some(now);
    }
    Err(Error::Unsettled { mount: mount.into(), attempts: MOST_LOOKS })
}

/// A request for this mount; by a classic id where only that was recorded.
pub(crate) fn of_mount(found: &MountInfo, mount: MountKey) -> UnmountRequest {
    UnmountRequest::of_mount(found).only(mount)
}

/// True where the mount point may lead elsewhere, or nowhere, since the look-up.
pub(crate) fn may_have_moved(error: &OsError) -> bool {
    let moved = [Errno::ESTALE, Errno::EINVAL, Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EXDEV];
    moved.contains(&error.errno()) && error.left().is_empty()
}

/// Unmounts this one mount, lazily, and no other. A mount that is gone already is success.
///
/// A mount whose name leads elsewhere by now is looked up by its id. A reused id proves nothing, so then the name
/// decides.
pub(crate) fn detach_exactly(mounter: &dyn Mounter, at: &Location, key: MountKey) -> Result<(), OsError> {
    unmount_exactly(mounter, at, key, UnmountMode::Detach)
}

/// As [`detach_exactly`], with this mode.
pub(crate) fn unmount_exactly(
    mounter: &dyn Mounter,
    at: &Location,
    key: MountKey,
    mode: UnmountMode,
) -> Result<(), OsError> {
    let request = UnmountRequest::new(at.clone()).with_mode(mode).only(key);
    let Err(error) = mounter.unmount(&request) else { return Ok(()) };
    let is_off = match key {
        MountKey::Reused(_) => mounter.find_mount(key).is_err_and(|gone| gone.errno() == Errno::ENOENT),
        MountKey::Unique(_) => {
            let found = unmount_found(mounter, key, (None, None), mode.into());
            matches!(found, Ok(Identified::Unmounted(_) | Identified::Gone))
        }
    };
    if is_off { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, MountInfo, UniqueMountId};
    use crate::ports::{MockFilesystem, MockMounter};
    use std::num::NonZeroU64;

    const UNIQUE: MountKey = MountKey::Unique(UniqueMountId(NonZeroU64::new(7).unwrap()));
    const REUSED: MountKey = MountKey::Reused(MountId(7));

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Unmount, "/m", errno)
    }

    fn refusing(errno: Errno, found: Result<&'static str, Errno>) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter
            .expect_unmount()
            .withf(|request| *request.at() == Location::trusted("/m"))
            .returning(move |_| Err(os(errno)));
        mounter.expect_find_mount().returning(move |_| {
            let mut info = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
            info.mount_point = found.map_err(os)?.into();
            Ok(info)
        });
        mounter
    }

    #[test]
    fn mount_that_does_not_exist_counts_as_unmounted() {
        for key in [UNIQUE, REUSED] {
            let mounter = refusing(Errno::EINVAL, Err(Errno::ENOENT));
            assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), key), Ok(()));
        }
    }

    #[test]
    fn a_mount_that_was_carried_elsewhere_is_found() {
        let mut mounter = refusing(Errno::ENOENT, Ok("/moved"));
        let moved = |request: &UnmountRequest| {
            *request.at() == Location::trusted("/moved") && request.expected() == Some(UNIQUE)
        };
        mounter.expect_unmount().withf(moved).times(1).returning(|_| Ok(()));
        assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), UNIQUE), Ok(()));
    }

    #[test]
    fn mount_unmounted_by_another_process_after_the_look_is_gone() {
        let mut mounter = MockMounter::new();
        let mut looks = 0;
        mounter.expect_find_mount().returning(move |_| {
            looks += 1;
            let info = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
            if looks < 3 {
                Ok(MountInfo { mount_point: format!("/m{looks}").into(), ..info })
            } else {
                Err(os(Errno::ENOENT))
            }
        });
        mounter.expect_unmount().times(2).returning(|_| Err(os(Errno::ENOENT)));
        assert_eq!(unmount_found(&mounter, UNIQUE, (None, None), UnmountMode::Detach.into()), Ok(Identified::Gone));
    }

    #[test]
    fn mount_that_keeps_moving_ends_in_an_error() {
        let mut mounter = MockMounter::new();
        let mut looks = 0;
        mounter.expect_find_mount().returning(move |_| {
            looks += 1;
            let info = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
            Ok(MountInfo { mount_point: format!("/m{looks}").into(), ..info })
        });
        mounter.expect_unmount().times(MOST_LOOKS as usize).returning(|_| Err(os(Errno::ENOENT)));
        let error = unmount_found(&mounter, UNIQUE, (None, None), UnmountMode::Detach.into()).unwrap_err();
        assert_eq!(error, Error::Unsettled { mount: UNIQUE.into(), attempts: MOST_LOOKS });
        assert!(error.to_string().contains(&UNIQUE.to_string()), "{error}");
    }

    #[test]
    fn mount_of_another_directory_with_the_same_id_is_left_alone() {
        let mut mounter = MockMounter::new();
        let found = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
        mounter.expect_find_mount().return_once(move |_| Ok(found));
        let shows = MountSubtree { device: DeviceNumber::new(8, 1), root: "/other".into() };
        assert_eq!(
            unmount_found(&mounter, REUSED, (Some(&shows), None), UnmountMode::Detach.into()),
            Ok(Identified::AnotherMount)
        );
    }

    #[test]
    fn an_id_that_is_used_again_proves_nothing_elsewhere() {
        let mounter = refusing(Errno::ENOENT, Ok("/somebody/elses"));
        assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), REUSED), Err(os(Errno::ENOENT)));
    }

    #[test]
    fn first_failure_is_reported() {
        for found in [Ok("/m"), Err(Errno::EIO)] {
            let mounter = refusing(Errno::ESTALE, found);
            assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), UNIQUE), Err(os(Errno::ESTALE)));
        }
    }

    #[test]
    fn a_mounts_directory_that_is_gone_proves_by_its_given_path() {
        for (errno, below) in [(Errno::ENOENT, Ok(Some("/s".into()))), (Errno::EIO, Err(Errno::EIO))] {
            let mut fs = MockFilesystem::new();
            fs.expect_canonicalize().returning(move |_| Err(os(errno)));
            let found = proven_below(&fs, Path::new("/s"), REUSED).map_err(|error| error.errno());
            assert_eq!(found, below);
            assert_eq!(proven_below(&fs, Path::new("/s"), UNIQUE), Ok(None));
        }
    }
}
