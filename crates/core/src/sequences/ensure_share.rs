//! Sharing what is not shared yet.

use std::ffi::OsStr;

use crate::sequences::placeholder::is_gone;
use crate::sequences::share_shape::shape_of_bind;
use crate::{
    Conflict, Ensured, Errno, Error, FileIdentity, Filesystem, Location, MountInfo, Mounter, OsError, Placeholder,
    Share, ShareRecord,
};

/// Makes sure that `share` is there.
///
/// What is mounted on the name counts as the share if it is of the same filesystem, shows the same part of it, and has the
/// same attributes and propagation as the share would have if it were made now; of a stack, the topmost counts. A source
/// that was deleted and made again, remounted or made shared since is a conflict: what is there is not what is asked for.
///
/// The record of a share that was there names what it is mounted on as made for it, since names below `<mounts>/<id>` are
/// made by nobody else: a runtime that died between sharing and writing down gets the record it lost.
///
/// # Errors
///
/// As [`Share::carry_out`], without `EBUSY` for a name that something is mounted on: that is an answer here. Nothing is
/// changed then.
pub fn ensure_share(fs: &dyn Filesystem, mounter: &dyn Mounter, share: &Share) -> Result<Ensured<ShareRecord>, Error> {
    if let Some(there) = look_at_share(fs, mounter, share)? {
        return Ok(there.map_or_else(Ensured::Conflict, Ensured::AlreadySatisfied));
    }
    match share.carry_out(fs, mounter) {
        Ok(record) => Ok(Ensured::Done(record)),
        // Somebody was quicker.
        Err(error) if error.errno() == Some(Errno::EBUSY) && error.left().is_empty() => {
            let there = look_at_share(fs, mounter, share)?.ok_or(error)?;
            Ok(there.map_or_else(Ensured::Conflict, Ensured::AlreadySatisfied))
        }
        Err(error) => Err(error),
    }
}

/// What is mounted on the name of a share: that share, or something else; `None` where nothing is.
pub(crate) fn look_at_share(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    share: &Share,
) -> Result<Option<Result<ShareRecord, Conflict>>, Error> {
    let Some(there) = mounted(mounter, share.at())? else { return Ok(None) };
    let wanted = shape_of_bind(fs, mounter, share.source(), share.is_read_only(), share.propagation())?;
    let info = match wanted.check(there) {
        Ok(info) => info,
        Err(conflict) => return Ok(Some(Err(conflict))),
    };
    let of = (share.container(), share.name());
    Ok(Some(Ok(ShareRecord::new(mounter, of, share.at(), info, placeholders(fs, share)?)?)))
}

/// The mount on a name; `None` where there is none.
pub(crate) fn mounted(mounter: &dyn Mounter, at: &Location) -> Result<Option<MountInfo>, OsError> {
    match mounter.mount_of(at) {
        Ok(found) => Ok(found.is_root.then_some(found.mount)),
        Err(error) if is_gone(error.errno()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What the share is mounted on: the directory above it tells what lies beneath the mount.
fn placeholders(fs: &dyn Filesystem, share: &Share) -> Result<Vec<Placeholder>, OsError> {
    let container_dir = fs.open_dir(share.container_dir())?;
    let container = container_dir.own_metadata()?;
    let device = container.device;
    let mut made = vec![Placeholder { at: share.container_dir().clone(), identity: FileIdentity::from(&container) }];

    for entry in container_dir.entries()? {
        let entry = entry?;
        if entry.name == OsStr::new(share.name()) {
            let identity = FileIdentity { device, inode: entry.inode, kind: entry.kind };
            made.push(Placeholder { at: share.at().clone(), identity });
            break;
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::paper::{PAPER, Paper, SharedPaper, filesystem};
    use crate::{
        BindReport, ContainerId, DeviceNumber, Difference, FileKind, Guarantee, MockMounter, MountFlags, MountId,
        MountKey, Operation, PathMount, PeerGroup,
    };

    const DISK: DeviceNumber = DeviceNumber::new(8, 1);

    fn share() -> Share {
        let id = ContainerId::new("c").unwrap();
        Share::volume("/m", &id, "v", Location::trusted("/mnt/s")).unwrap().read_only()
    }

    fn paper() -> SharedPaper {
        Paper::with(&["/m", "/m/c", "/m/c/v", "/mnt", "/mnt/s"])
    }

    /// `/mnt` is a shared mount of `/x` of the disk; what is on the name is this, asked for in turn.
    fn looking(on_name: Vec<Option<MountInfo>>) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::Origin::UNKNOWN));
        mounter.expect_mount_of().withf(|at| *at == Location::trusted("/mnt/s")).returning(|_| {
            let mut mount = MountInfo::new(MountId(2), MountId(1), DISK);
            (mount.root, mount.mount_point) = ("/x".into(), "/mnt".into());
            mount.attributes.flags = MountFlags::NO_DEV;
            mount.propagation.peers = PeerGroup::new(5);
            Ok(PathMount { mount, is_root: false })
        });
        let mut order = mockall::Sequence::new();
        for found in on_name {
            mounter
                .expect_mount_of()
                .withf(|at| *at == Location::beneath("/m", "c/v").unwrap())
                .times(1)
                .in_sequence(&mut order)
                .returning(move |_| {
                    let is_root = found.is_some();
                    let mount = found.clone().unwrap_or_else(|| MountInfo::new(MountId(1), MountId(0), PAPER));
                    Ok(PathMount { mount, is_root })
                });
        }
        mounter
    }

    fn shared() -> MountInfo {
        let mut mount = MountInfo::new(MountId(9), MountId(1), DISK);
        (mount.root, mount.mount_point) = ("/x/s".into(), "/m/c/v".into());
        mount.attributes.flags = MountFlags::READ_ONLY | MountFlags::NO_DEV;
        mount
    }

    #[test]
    fn what_is_there_is_left_alone_and_its_record_found_again() {
        let paper = paper();
        let there = ensure_share(&filesystem(&paper), &looking(vec![Some(shared())]), &share()).unwrap();
        let Ensured::AlreadySatisfied(record) = there else { panic!("{there:?}") };
        assert_eq!((record.mount, record.device), (MountKey::Reused(MountId(9)), DISK));
        let made: Vec<_> = record.made.iter().map(|made| (made.at.for_display(), made.identity)).collect();
        let identity =
            |path| FileIdentity { device: PAPER, inode: paper.lock().unwrap().inode(path), kind: FileKind::Directory };
        assert_eq!(made, [("/m/c".into(), identity("/m/c")), ("/m/c/v".into(), identity("/m/c/v"))]);
        assert!(paper.lock().unwrap().log.is_empty());
    }

    #[test]
    fn something_else_is_a_conflict_and_says_what() {
        let other = |change: fn(&mut MountInfo)| {
            let mut mount = shared();
            change(&mut mount);
            match ensure_share(&filesystem(&paper()), &looking(vec![Some(mount)]), &share()).unwrap() {
                Ensured::Conflict(conflict) => conflict.differences,
                there => panic!("{there:?}"),
            }
        };
        assert_eq!(other(|mount| mount.root = "/x/s//deleted".into()), [Difference::Subpath]);
        assert_eq!(other(|mount| mount.attributes.flags = MountFlags::NO_DEV), [Difference::Attributes]);
        assert_eq!(other(|mount| mount.propagation.master = PeerGroup::new(5)), [Difference::Propagation]);
        assert_eq!(other(|mount| mount.device = DeviceNumber::new(8, 2)), [Difference::Device]);
    }

    #[test]
    fn what_is_missing_is_shared() {
        let mut mounter = looking(vec![None]);
        mounter
            .expect_bind()
            .times(1)
            .returning(|_| Ok(BindReport::new(MountKey::Reused(MountId(9)), Guarantee::Atomic)));
        mounter.expect_find_mount().returning(|_| Ok(shared()));
        let there = ensure_share(&filesystem(&paper()), &mounter, &share()).unwrap();
        assert!(matches!(there, Ensured::Done(_)), "{there:?}");
    }

    #[test]
    fn somebody_quicker_is_no_failure() {
        for (found, satisfied) in [(Some(shared()), true), (None, false)] {
            let mut mounter = looking(vec![None, found]);
            mounter.expect_bind().times(1).returning(|_| Err(OsError::new(Operation::Bind, "/m/c/v", Errno::EBUSY)));
            match ensure_share(&filesystem(&paper()), &mounter, &share()) {
                Ok(Ensured::AlreadySatisfied(_)) => assert!(satisfied),
                Err(error) => assert!(!satisfied && error.errno() == Some(Errno::EBUSY)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_looked_at_is_an_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::Origin::UNKNOWN));
        mounter.expect_mount_of().returning(|_| Err(OsError::new(Operation::MountOf, "/m/c/v", Errno::ELOOP)));
        let error = ensure_share(&filesystem(&paper()), &mounter, &share()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ELOOP));
    }

    #[test]
    fn only_a_name_that_is_taken_is_looked_at_again() {
        let mut mounter = looking(vec![None]);
        mounter.expect_bind().times(1).returning(|_| Err(OsError::new(Operation::Bind, "/m/c/v", Errno::EPERM)));
        let error = ensure_share(&filesystem(&paper()), &mounter, &share()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EPERM));
    }

    #[test]
    fn a_name_that_is_not_there_has_no_mount_on_it() {
        for (errno, answer) in [(Errno::ENOENT, Ok(None)), (Errno::ENOTDIR, Ok(None)), (Errno::EIO, Err(Errno::EIO))] {
            let mut mounter = MockMounter::new();
            mounter.expect_origin().returning(|| Ok(crate::Origin::UNKNOWN));
            mounter
                .expect_mount_of()
                .returning(move |at| Err(OsError::new(Operation::MountOf, at.for_display(), errno)));
            let found = mounted(&mounter, &Location::trusted("/m/c")).map_err(|error| error.errno());
            assert_eq!(found, answer);
        }
    }
}
