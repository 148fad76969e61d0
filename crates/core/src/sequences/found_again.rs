//! A recorded share, looked for in another mount namespace.

use std::fmt;
use std::path::Path;

use crate::sequences::placeholder::is_gone;
use crate::sequences::record_state::{shows_same, stale_origin};
use crate::{Error, Location, MountSubtree, Mounter, NotRelative, ShareRecord, StaleReason};

/// Result of [`ShareRecord::find_again`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoundAgain {
    /// The recorded place shows a mount with the device, root and peer group of the record: its record in this namespace.
    Record(Box<ShareRecord>),
    /// Nothing is mounted at the recorded place.
    NotMounted,
    /// Another mount is at the recorded place; the first fact in which it differs.
    Differs(RecordDifference),
    /// The record is of another boot, or does not say of which.
    Stale(StaleReason),
}

/// Fact in which a mount differs from a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordDifference {
    /// The device number of its filesystem.
    Device,
    /// The part of the filesystem that it shows.
    Root,
    /// Its peer group.
    PeerGroup,
}

impl fmt::Display for RecordDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Device => "device",
            Self::Root => "root",
            Self::PeerGroup => "peer group",
        })
    }
}

impl FoundAgain {
    pub(crate) fn look(mounter: &dyn Mounter, record: &ShareRecord) -> Result<Self, Error> {
        match stale_origin(mounter, record.origin, record.mount)? {
            Some(reason @ (StaleReason::UnknownOrigin | StaleReason::AnotherBoot)) => return Ok(Self::Stale(reason)),
            _ => {}
        }
        let at = place(record)?;
        let found = match mounter.mount_of(&at) {
            Ok(found) if found.is_root => found.mount,
            Ok(_) => return Ok(Self::NotMounted),
            Err(error) if is_gone(error.errno()) => return Ok(Self::NotMounted),
            Err(error) => return Err(error.into()),
        };
        let shows = MountSubtree { device: record.device, root: record.subpath.clone() };
        if found.device != record.device {
            return Ok(Self::Differs(RecordDifference::Device));
        }
        if !shows_same(&found, &shows) {
            return Ok(Self::Differs(RecordDifference::Root));
        }
        if record.peers.is_some() && record.peers != found.propagation.peers {
            return Ok(Self::Differs(RecordDifference::PeerGroup));
        }
        let again = ShareRecord::new(mounter, (&record.container, &record.name), &at, found, record.made.clone())?;
        Ok(Self::Record(Box::new(ShareRecord { subpath: record.subpath.clone(), ..again })))
    }
}

/// The recorded place, below the mounts directory that the record's path begins with.
fn place(record: &ShareRecord) -> Result<Location, Error> {
    let below = Path::new(record.container.as_str()).join(&record.name);
    let mounts_dir = record.path.ancestors().nth(2).filter(|_| record.path.ends_with(&below));
    match mounts_dir {
        Some(mounts_dir) => Ok(Location::beneath(mounts_dir, below)?),
        None => Err(NotRelative::new(record.path.clone(), "it does not end in container and name").into()),
    }
}
