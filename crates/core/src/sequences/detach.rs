//! Taking one known mount off, wherever it is.

use crate::{Errno, Location, MountKey, Mounter, OsError, UnmountMode, UnmountRequest};

/// Takes this one mount off, lazily, and no other. That it is gone already is success.
///
/// Where its name shows something else by now, it is looked for by its identity; with an id that the kernel uses again that
/// proves nothing, so then the name decides.
pub(crate) fn detach_exactly(mounter: &dyn Mounter, at: &Location, key: MountKey) -> Result<(), OsError> {
    let error = match mounter.unmount(&only(at.clone(), key)) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let found = match mounter.find_mount(key) {
        Ok(found) => found,
        Err(gone) if gone.errno() == Errno::ENOENT => return Ok(()),
        Err(_) => return Err(error),
    };
    if matches!(key, MountKey::Reused(_)) || found.mount_point == at.for_display() {
        return Err(error);
    }
    mounter.unmount(&only(Location::Trusted(found.mount_point), key)).map_err(|_| error)
}

fn only(at: Location, key: MountKey) -> UnmountRequest {
    UnmountRequest::new(at).with_mode(UnmountMode::Detach).only(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceNumber, MockMounter, MountId, MountInfo, Operation, UniqueMountId};
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
            .times(1)
            .returning(move |_| Err(os(errno)));
        mounter.expect_find_mount().times(1).returning(move |_| {
            let mut info = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
            info.mount_point = found.map_err(os)?.into();
            Ok(info)
        });
        mounter
    }

    #[test]
    fn a_mount_that_is_gone_is_off() {
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
    fn an_id_that_is_used_again_proves_nothing_elsewhere() {
        let mounter = refusing(Errno::ENOENT, Ok("/somebody/elses"));
        assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), REUSED), Err(os(Errno::ENOENT)));
    }

    #[test]
    fn the_first_failure_is_told() {
        for found in [Ok("/m"), Err(Errno::EIO)] {
            let mounter = refusing(Errno::ESTALE, found);
            assert_eq!(detach_exactly(&mounter, &Location::trusted("/m"), UNIQUE), Err(os(Errno::ESTALE)));
        }
    }
}
