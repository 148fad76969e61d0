//! The record of a share.

use std::path::PathBuf;

use crate::error::OsError;
use crate::file::DeviceNumber;
use crate::mount::{MountInfo, MountKey, MountSubtree, Origin, PeerGroup, Placeholder};
use crate::path::{ContainerId, Location};
use crate::ports::Mounter;
use crate::unmount::RecordState;
use crate::unmount::record_state::{Recorded, state_of};

/// A share that was created: enough to find its mount again wherever it is, to unmount this mount and no other, and to
/// remove only the files that were created for it.
///
/// A mount is the recorded one only where boot, mount namespace, id, device and root equal those of the record
/// ([`state`](Self::state)). `docs/security.md` lists the strength of this proof by kernel version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ShareRecord {
    /// The container.
    pub container: ContainerId,
    /// Its name below the container's directory.
    pub name: String,
    /// Boot and mount namespace in which the mount was created. A record without them proves nothing.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub origin: Option<Origin>,
    /// The mount's id.
    pub mount: MountKey,
    /// The device number of the filesystem that is shared.
    pub device: DeviceNumber,
    /// The directory or file of that filesystem that is shared.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub subpath: PathBuf,
    /// The peer group of the mount, where it is shared.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub peers: Option<PeerGroup>,
    /// The mount point at creation: `<mounts>/<container>/<name>`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub path: PathBuf,
    /// The files that were created for it, outermost first: the container's directory and the mount target.
    pub made: Vec<Placeholder>,
}

impl ShareRecord {
    /// The record of `mount`, which was just looked up through `mounter` and is the share `name` of `container` at
    /// `at`.
    ///
    /// # Errors
    ///
    /// As [`Mounter::origin`].
    pub fn new(
        mounter: &dyn Mounter,
        (container, name): (&ContainerId, &str),
        at: &Location,
        mount: MountInfo,
        made: Vec<Placeholder>,
    ) -> Result<Self, OsError> {
        Ok(Self {
            container: container.clone(),
            name: name.to_owned(),
            origin: Some(mounter.origin()?),
            mount: mount.key(),
            device: mount.device,
            subpath: mount.root,
            peers: mount.propagation.peers,
            path: at.for_display(),
            made,
        })
    }

    /// Compares the record with what is mounted now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Mounter::origin`] and [`Mounter::find_mount`]: a mount that cannot be looked up does not count as gone.
    pub fn state(&self, mounter: &dyn Mounter) -> Result<RecordState, OsError> {
        let shows = MountSubtree { device: self.device, root: self.subpath.clone() };
        state_of(mounter, &Recorded { origin: self.origin, mount: self.mount, shows: Some(&shows), path: &self.path })
    }
}
