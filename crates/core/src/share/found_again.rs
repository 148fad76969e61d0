//! Look-up of a recorded mount in another mount namespace.

use std::path::Path;

use crate::error::Error;
use crate::mount::{Difference, MountInfo, MountKey, MountSubtree, Origin, PeerGroup};
use crate::path::{InvalidPath, Location};
use crate::ports::Mounter;
use crate::share::ShareRecord;
use crate::unmount::StaleReason;
use crate::unmount::placeholder::is_gone;
use crate::unmount::record_state::{shows_same, stale_origin};

/// Result of [`ShareRecord::find_again`] and `SandboxDirs::find_again`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundAgain<R> {
    /// The recorded place shows a mount with the device, root and peer group of the record: its record in this namespace.
    Record(Box<R>),
    /// Nothing is mounted at the recorded place.
    NotMounted,
    /// Another mount is at the recorded place; the first of device, subpath and peer
    /// group ([`Difference::Propagation`]) in which it differs.
    Differs(Difference),
    /// The record is of another boot, or does not name its boot.
    Stale(StaleReason),
}

/// The mount at a place, where it is the recorded one.
pub(crate) fn look_at(
    mounter: &dyn Mounter,
    at: &Location,
    shows: &MountSubtree,
    peers: Option<PeerGroup>,
) -> Result<Result<MountInfo, FoundAgain<Never>>, Error> {
    let found = match mounter.mount_of(at) {
        Ok(found) if found.is_root => found.mount,
        Ok(_) => return Ok(Err(FoundAgain::NotMounted)),
        Err(error) if is_gone(error.errno()) => return Ok(Err(FoundAgain::NotMounted)),
        Err(error) => return Err(error.into()),
    };
    Ok(if found.device != shows.device {
        Err(FoundAgain::Differs(Difference::Device))
    } else if !shows_same(&found, shows) {
        Err(FoundAgain::Differs(Difference::Subpath))
    } else if peers.is_some() && peers != found.propagation.peers {
        Err(FoundAgain::Differs(Difference::Propagation))
    } else {
        Ok(found)
    })
}

/// No record.
#[derive(Clone, Copy)]
pub(crate) enum Never {}

impl FoundAgain<Never> {
    pub(crate) fn of<R>(self) -> FoundAgain<R> {
        match self {
            Self::Record(never) => match *never {},
            Self::NotMounted => FoundAgain::NotMounted,
            Self::Differs(difference) => FoundAgain::Differs(difference),
            Self::Stale(reason) => FoundAgain::Stale(reason),
        }
    }
}

pub(crate) fn of_another_boot(
    mounter: &dyn Mounter,
    origin: Option<Origin>,
    mount: MountKey,
) -> Result<Option<StaleReason>, Error> {
    let reason = stale_origin(mounter, origin, mount)?;
    Ok(reason.filter(|reason| matches!(reason, StaleReason::UnknownOrigin | StaleReason::AnotherBoot)))
}

impl ShareRecord {
    /// Looks up the recorded mount at its recorded place in another mount namespace of the same boot, for a program that
    /// was restarted in a new namespace. The place is resolved below the mounts directory, without symlinks.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidPath`]: [`path`](Self::path) does not end in container and name. [`Error::Os`]: the place cannot be
    /// looked up.
    pub fn find_again(&self, mounter: &dyn Mounter) -> Result<FoundAgain<Self>, Error> {
        if let Some(reason) = of_another_boot(mounter, self.origin, self.mount)? {
            return Ok(FoundAgain::Stale(reason));
        }
        let at = place(self)?;
        let shows = MountSubtree { device: self.device, root: self.subpath.clone() };
        let found = match look_at(mounter, &at, &shows, self.peers)? {
            Ok(found) => found,
            Err(other) => return Ok(other.of()),
        };
        let again = ShareRecord::new(mounter, (&self.container, &self.name), &at, found, self.made.clone())?;
        Ok(FoundAgain::Record(Box::new(ShareRecord { subpath: self.subpath.clone(), ..again })))
    }
}

/// The recorded place, below the mounts directory that the record's path begins with.
fn place(record: &ShareRecord) -> Result<Location, Error> {
    let below = Path::new(record.container.as_str()).join(&record.name);
    let mounts_dir = record.path.ancestors().nth(2).filter(|_| record.path.ends_with(&below));
    match mounts_dir {
        Some(mounts_dir) => Ok(Location::beneath(mounts_dir, below)?),
        None => Err(InvalidPath::below_a_root(record.path.clone(), "it does not end in container and name").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::DeviceNumber;
    use crate::mount::{BootId, MountId, MountNamespaceId, PathMount};
    use crate::path::ContainerId;
    use crate::ports::MockMounter;
    use crate::test_support::in_memory_mounts::ORIGIN;

    fn record(origin: Option<Origin>, peers: Option<PeerGroup>) -> ShareRecord {
        ShareRecord {
            container: ContainerId::new("c").unwrap(),
            name: "v".into(),
            origin,
            peers,
            mount: MountKey::Reused(MountId(7)),
            device: DeviceNumber::new(8, 1),
            subpath: "/i".into(),
            path: "/m/c/v".into(),
            made: Vec::new(),
        }
    }

    /// The mount 9 at every place: of this subtree, a mount point or not, in the peer group 3.
    fn showing(root: &'static str, is_root: bool) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(ORIGIN));
        mounter.expect_mount_of().returning(move |at| {
            let mut mount = MountInfo::new(MountId(9), MountId(1), DeviceNumber::new(8, 1));
            (mount.root, mount.mount_point, mount.propagation.peers) =
                (root.into(), at.for_display(), PeerGroup::new(3));
            Ok(PathMount { mount, is_root })
        });
        mounter
    }

    #[test]
    fn record_is_found_again_where_the_mount_is_the_recorded_one() {
        let peers = PeerGroup::new;
        for (recorded, root, is_root, difference) in [
            (None, "/i", true, None),
            // The source was deleted.
            (peers(3), "/i//deleted", true, None),
            (peers(4), "/i", true, Some(FoundAgain::Differs(Difference::Propagation))),
            (peers(3), "/j", true, Some(FoundAgain::Differs(Difference::Subpath))),
            (peers(3), "/i", false, Some(FoundAgain::NotMounted)),
        ] {
            let again = ShareRecord { mount: MountKey::Reused(MountId(9)), ..record(Some(ORIGIN), peers(3)) };
            let expected = difference.unwrap_or(FoundAgain::Record(Box::new(again)));
            assert_eq!(record(Some(ORIGIN), recorded).find_again(&showing(root, is_root)), Ok(expected));
        }
    }

    #[test]
    fn record_of_another_boot_is_stale_and_one_of_another_namespace_is_not() {
        let boot = Some(BootId::from_bytes([8; 16]));
        let namespace = Some(MountNamespaceId::Unique(10));
        for (origin, reason) in [
            (None, Some(StaleReason::UnknownOrigin)),
            (Some(Origin { boot, ..ORIGIN }), Some(StaleReason::AnotherBoot)),
            (Some(Origin { namespace, ..ORIGIN }), None),
        ] {
            let again = record(origin, None).find_again(&showing("/i", true)).unwrap();
            match (reason, again) {
                (Some(reason), FoundAgain::Stale(found)) => assert_eq!(found, reason),
                (None, FoundAgain::Record(found)) => assert_eq!(found.origin, Some(ORIGIN)),
                (_, other) => panic!("{origin:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn place_that_is_gone_has_no_mount_and_one_that_cannot_be_looked_up_is_an_error() {
        for (errno, is_gone) in [(Errno::ENOENT, true), (Errno::EIO, false)] {
            let mut mounter = MockMounter::new();
            mounter
                .expect_mount_of()
                .returning(move |at| Err(OsError::new(Operation::MountOf, at.for_display(), errno)));
            let shows = MountSubtree { device: DeviceNumber::new(8, 1), root: "/".into() };
            let found = look_at(&mounter, &Location::trusted("/m/c"), &shows, None);
            assert_eq!(matches!(found, Ok(Err(FoundAgain::NotMounted))), is_gone, "{errno}");
            assert_eq!(found.is_err(), !is_gone, "{errno}");
        }
    }
}
