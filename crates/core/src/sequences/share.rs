//! Sharing a container's directories and volumes with its guest.

use std::path::Path;

use camino::Utf8Path;

use crate::sequences::bind_mount::specified;
use crate::sequences::share_name::{ROOTFS_DIR, SNAPSHOT_DIR, share_location};
use crate::{
    BindMount, BindReport, ContainerId, Errno, Error, Filesystem, Leftover, Location, Mounter, NotRelative, OsError,
    Propagation, ShareRecord, UnmountMode, UnmountRequest, bind_mount,
};

/// Binds a container's root filesystem to `<mounts>/<id>/rootfs`, private.
///
/// `<mounts>` is trusted; what lies below it is resolved without following a symlink and without crossing a mount. Symlinks
/// of `rootfs` are followed where it is [`Location::Trusted`].
///
/// # Errors
///
/// [`Error::Unspecified`]: a path is empty. [`Error::Os`]: what [`Mounter::bind`] says: `EBUSY` where something is shared
/// under this name already, `ELOOP` where a component below `<mounts>` is a symlink. Nothing is left then.
#[doc(alias = "bindMountContainerRootfs")]
pub fn share_rootfs(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    rootfs: &Location,
    read_only: bool,
) -> Result<ShareRecord, Error> {
    let span = tracing::debug_span!(target: "mountwright", "share_rootfs", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id);
    span.in_scope(|| {
        let bind = BindMount::new(rootfs.clone(), share_location(mounts_dir, id, ROOTFS_DIR)?);
        share(fs, mounter, id, ROOTFS_DIR, &if read_only { bind.read_only() } else { bind })
    })
}

/// Binds a container's nydus snapshot directory to `<mounts>/<id>/snapshotdir`, read-only, slave.
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
    let span = tracing::debug_span!(target: "mountwright", "share_snapshot_dir", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id);
    span.in_scope(|| {
        let at = share_location(mounts_dir, id, SNAPSHOT_DIR)?;
        let bind = BindMount::new(snapshot_dir.clone(), at).read_only().propagation(Propagation::Slave);
        share(fs, mounter, id, SNAPSHOT_DIR, &bind)
    })
}

/// Binds a volume, a directory or a file, to `<mounts>/<id>/<name>`, private. Read-only reaches the copies that propagation
/// makes, from their first moment.
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
    let span = tracing::debug_span!(target: "mountwright", "share_volume", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %id, name);
    span.in_scope(|| {
        if [ROOTFS_DIR, SNAPSHOT_DIR].contains(&name) {
            return Err(NotRelative::new(name, "the name is reserved").into());
        }
        let bind = BindMount::new(source.clone(), share_location(mounts_dir, id, name)?);
        share(fs, mounter, id, name, &if read_only { bind.read_only() } else { bind })
    })
}

fn share(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    id: &ContainerId,
    name: &str,
    bind: &BindMount,
) -> Result<ShareRecord, Error> {
    specified(bind.source(), "source")?;
    let report = bind_mount(fs, mounter, bind)?;
    match mounter.find_mount(report.mount) {
        Ok(info) => Ok(ShareRecord {
            container: id.clone(),
            name: name.to_owned(),
            mount: report.mount,
            device: info.device,
            subpath: info.root,
            path: bind.destination().for_display(),
        }),
        Err(error) => Err(take_back(fs, mounter, bind, &report, error).into()),
    }
}

/// A share without a record could not be taken off by its identity later: better none at all.
fn take_back(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    bind: &BindMount,
    report: &BindReport,
    error: OsError,
) -> OsError {
    let at = bind.destination();
    let unmount = UnmountRequest::new(at.clone()).with_mode(UnmountMode::Detach).only(report.mount);
    if mounter.unmount(&unmount).is_err() {
        return error.leaving(Leftover::Mount { mount: report.mount, at: at.for_display() });
    }
    report.created.iter().rev().fold(error, |error, created| match remove_created(fs, at, created) {
        Ok(()) => error,
        Err(_) => error.leaving(Leftover::Directory(created.clone())),
    })
}

fn remove_created(fs: &dyn Filesystem, target: &Location, created: &Path) -> Result<(), Error> {
    let at = match target {
        Location::Trusted(_) => Location::from(created),
        Location::Beneath { root, .. } => Location::beneath(root, created.strip_prefix(root).unwrap_or(created))?,
    };
    match fs.remove_dir(&at) {
        Err(error) if error.errno() == Errno::ENOTDIR => Ok(fs.remove_file(&at)?),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AttributeChange, BindRequest, DeviceNumber, Guarantee, MockFilesystem, MockMounter, MountId, MountInfo,
        MountKey, Operation, UniqueMountId,
    };
    use std::num::NonZeroU64;

    const KEY: MountKey = MountKey::Unique(UniqueMountId(NonZeroU64::new(77).unwrap()));

    fn id() -> ContainerId {
        ContainerId::new("c1").unwrap()
    }

    fn binding(check: impl Fn(&BindRequest) -> bool + Send + 'static) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_bind().withf(check).times(1).returning(|_| {
            Ok(BindReport::new(KEY, Guarantee::Atomic).creating(vec!["/m/c1".into(), "/m/c1/rootfs".into()]))
        });
        mounter
    }

    fn found(mut mounter: MockMounter) -> MockMounter {
        mounter.expect_find_mount().withf(|key| *key == KEY).returning(|_| {
            let mut info = MountInfo::new(MountId(9), MountId(1), DeviceNumber::new(8, 1));
            info.root = "/images/c1".into();
            Ok(info)
        });
        mounter
    }

    #[test]
    fn a_rootfs_is_bound_below_mounts_private_and_recorded() {
        let mounter = found(binding(|request| {
            *request.target() == Location::beneath("/m", "c1/rootfs").unwrap()
                && request.wanted_propagation() == Some(Propagation::Private)
                && request.change() == AttributeChange::NOTHING
        }));
        let rootfs = Location::trusted("/images/c1");
        let record = share_rootfs(&MockFilesystem::new(), &mounter, "/m".into(), &id(), &rootfs, false).unwrap();
        assert_eq!((record.mount, record.device), (KEY, DeviceNumber::new(8, 1)));
        assert_eq!(record.subpath, Path::new("/images/c1"));
        assert_eq!((record.path.as_path(), record.name.as_str()), (Path::new("/m/c1/rootfs"), "rootfs"));
    }

    #[test]
    fn a_snapshot_dir_is_bound_read_only_and_slave() {
        let mounter = found(binding(|request| {
            *request.target() == Location::beneath("/m", "c1/snapshotdir").unwrap()
                && request.wanted_propagation() == Some(Propagation::Slave)
                && request.change() == AttributeChange::READ_ONLY
        }));
        share_snapshot_dir(&MockFilesystem::new(), &mounter, "/m".into(), &id(), &Location::trusted("/s")).unwrap();
    }

    #[test]
    fn a_volume_has_a_name_of_its_own() {
        let (fs, source) = (MockFilesystem::new(), Location::trusted("/s"));
        for bad in ["rootfs", "snapshotdir", "", "..", "a/b"] {
            let error = share_volume(&fs, &MockMounter::new(), "/m".into(), &id(), bad, &source, true).unwrap_err();
            assert!(matches!(error, Error::NotRelative(_)), "{bad:?}: {error}");
        }
        let mounter = found(binding(|request| request.change() == AttributeChange::READ_ONLY));
        let record = share_volume(&fs, &mounter, "/m".into(), &id(), "vol-1", &source, true).unwrap();
        assert_eq!(record.name, "vol-1");
    }

    #[test]
    fn an_empty_source_is_named_and_nothing_is_touched() {
        let (fs, mounter, nowhere) = (MockFilesystem::new(), MockMounter::new(), Location::trusted(""));
        let error = share_rootfs(&fs, &mounter, "/m".into(), &id(), &nowhere, false).unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "source" });
    }

    #[test]
    fn without_a_record_the_share_is_taken_back() {
        let mut mounter = binding(|_| true);
        let lost = || OsError::new(Operation::FindMount, KEY, Errno::ENOMEM);
        mounter.expect_find_mount().returning(move |_| Err(lost()));
        mounter.expect_unmount().withf(|request| request.expected() == Some(KEY)).times(1).returning(|_| Ok(()));
        let mut fs = MockFilesystem::new();
        let mut removed = mockall::Sequence::new();
        for path in ["c1/rootfs", "c1"] {
            let expected = Location::beneath("/m", path).unwrap();
            fs.expect_remove_dir()
                .withf(move |at| *at == expected)
                .times(1)
                .in_sequence(&mut removed)
                .returning(|_| Ok(()));
        }
        let rootfs = Location::trusted("/images/c1");
        let error = share_rootfs(&fs, &mounter, "/m".into(), &id(), &rootfs, false).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Some(Errno::ENOMEM), &[][..]));
    }

    #[test]
    fn what_cannot_be_taken_back_is_named() {
        let mut mounter = binding(|_| true);
        mounter.expect_find_mount().returning(|_| Err(OsError::new(Operation::FindMount, KEY, Errno::ENOMEM)));
        mounter.expect_unmount().returning(|_| Err(OsError::new(Operation::Unmount, "/m/c1/rootfs", Errno::EPERM)));
        let rootfs = Location::trusted("/images/c1");
        let error = share_rootfs(&MockFilesystem::new(), &mounter, "/m".into(), &id(), &rootfs, false).unwrap_err();
        assert_eq!(error.left(), [Leftover::Mount { mount: KEY, at: "/m/c1/rootfs".into() }]);
    }
}
