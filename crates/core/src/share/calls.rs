//! Sharing a container's directories and volumes with its guest.

use camino::Utf8Path;

use crate::error::Error;
use crate::path::{ContainerId, Location};
use crate::ports::{Filesystem, Mounter};
use crate::share::{Share, ShareRecord};

/// Binds a container's root filesystem to `<mounts>/<id>/rootfs`, private: [`Share::rootfs`] in one call.
///
/// # Errors
///
/// As [`Share::create`], and [`Error::Unspecified`] for an empty path.
#[doc(alias = "bindMountContainerRootfs")]
pub fn share_rootfs(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    rootfs: &Location,
    read_only: bool,
) -> Result<ShareRecord, Error> {
    let share = Share::rootfs(mounts_dir, id, rootfs.clone())?;
    if read_only { share.read_only() } else { share }.create(fs, mounter)
}

/// Binds a container's nydus snapshot directory to `<mounts>/<id>/snapshotdir`, read-only, slave: [`Share::snapshot_dir`] in
/// one call.
///
/// # Errors
///
/// As [`share_rootfs`].
pub fn share_snapshot_dir(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    snapshot_dir: &Location,
) -> Result<ShareRecord, Error> {
    Share::snapshot_dir(mounts_dir, id, snapshot_dir.clone())?.create(fs, mounter)
}

/// Binds a volume, a directory or a file, to `<mounts>/<id>/<name>`, private: [`Share::volume`] in one call.
///
/// `name` is one component, and neither `rootfs` nor `snapshotdir`.
///
/// # Errors
///
/// As [`share_rootfs`], and [`Error::NotRelative`] for a name that is none or is reserved.
pub fn share_volume(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    name: &str,
    source: &Location,
    read_only: bool,
) -> Result<ShareRecord, Error> {
    let share = Share::volume(mounts_dir, id, name, source.clone())?;
    if read_only { share.read_only() } else { share }.create(fs, mounter)
}
