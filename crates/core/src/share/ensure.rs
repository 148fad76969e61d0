//! Idempotent sharing.

use std::ffi::OsStr;

use crate::error::{Errno, Error, OsError};
use crate::file::FileIdentity;
use crate::mount::{Conflict, Placeholder};
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::expected_mount::{mount_of_source, shape_of_bind};
use crate::share::unfinished::{self, may_be_in_the_making};
use crate::share::{Ensured, Share, ShareRecord};
use crate::stepwise::attempts::{ATTEMPTS, is_of_another_caller, settled_mount_on};

impl Share {
    /// Makes sure that this share is mounted.
    ///
    /// The mount on the name counts as the share if it shows the same subtree of the same filesystem, with the
    /// attributes and the propagation that a new share would have; of a stack, the topmost counts. A source that was
    /// deleted and created again, remounted or made shared since then is a conflict: the mount is not the requested
    /// one.
    ///
    /// The record of an existing share lists the files that it is mounted on as created for it, since only sharing
    /// creates names below `<mounts>/<id>`: a runtime that died between sharing and recording gets the lost record
    /// back.
    ///
    /// May be called by several threads and processes at once: of the callers for the same share one gets
    /// [`Ensured::Done`] and the others [`Ensured::AlreadySatisfied`]. While another caller is mounting, the mount is
    /// looked up again until it is complete, for about a tenth of a second. A caller that was stopped or killed for
    /// longer leaves a mount with the peers that a shared parent gave it: this call makes it private, or mounts anew
    /// where it has to be a slave. The same happens to a share that was made shared since it was mounted.
    ///
    /// # Errors
    ///
    /// [`Error::OutsideRoot`]: the source's mount lies outside this process's root. Otherwise as
    /// [`create`](Self::create), without `EBUSY` for a name that something is mounted on: that is a result here.
    /// Nothing is changed after an error.
    pub fn ensure(&self, backend: &dyn Backend) -> Result<Ensured<ShareRecord>, Error> {
        ensure_share(backend.filesystem(), backend.mounter(), self)
    }
}

pub(crate) fn ensure_share(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    share: &Share,
) -> Result<Ensured<ShareRecord>, Error> {
    for attempt in 1..2 * ATTEMPTS {
        match try_to_ensure(fs, mounter, share) {
            Ok(Ensured::Conflict(conflict)) if may_be_in_the_making(&conflict) => {
                if attempt == ATTEMPTS {
                    unfinished::finish(mounter, share.at(), &conflict)?;
                }
            }
            Err(error) if is_quicker(&error) => {}
            Err(error) if is_of_another_caller(&error) && share.is_possible(mounter) => {}
            done => return done,
        }
        mounter.let_others_run(attempt % ATTEMPTS);
    }
    try_to_ensure(fs, mounter, share)
}

fn try_to_ensure(fs: &dyn Filesystem, mounter: &dyn Mounter, share: &Share) -> Result<Ensured<ShareRecord>, Error> {
    if let Some(there) = look_at_share(fs, mounter, share)? {
        return Ok(there.map_or_else(Ensured::Conflict, Ensured::AlreadySatisfied));
    }
    // A share of a mount outside the root could not be recognized afterwards; any other failure is reported by the
    // bind.
    if let Err(outside @ Error::OutsideRoot { .. }) = mount_of_source(fs, mounter, share.source()) {
        return Err(outside);
    }
    share.driver().finish(fs, mounter).map(Ensured::Done)
}

/// True where another caller has mounted first, and this call has changed nothing.
pub(crate) fn is_quicker(error: &Error) -> bool {
    error.errno() == Some(Errno::EBUSY) && error.left().is_empty()
}

/// The mount on the name of a share: `Ok` where it is that share, `Err` where it is another mount, `None` where there
/// is none.
fn look_at_share(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    share: &Share,
) -> Result<Option<Result<ShareRecord, Conflict>>, Error> {
    let Some(there) = settled_mount_on(mounter, share.at())? else { return Ok(None) };
    let wanted = shape_of_bind(fs, mounter, share.source(), share.is_read_only(), share.propagation())?;
    let info = match wanted.check(there) {
        Ok(info) => info,
        Err(conflict) => return Ok(Some(Err(conflict))),
    };
    let of = (share.container(), share.name());
    Ok(Some(Ok(ShareRecord::new(mounter, of, share.at(), info, placeholders(fs, share)?)?)))
}

/// The placeholders that the share is mounted on: the listing of the directory above shows the inode beneath the mount.
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
    use crate::error::Operation;
    use crate::file::{DeviceNumber, FileKind};
    use crate::mount::{
        BindReport, Difference, Guarantee, MountFlags, MountId, MountInfo, MountKey, PathMount, PeerGroup, Propagation,
    };
    use crate::path::{ContainerId, Location};
    use crate::ports::MockMounter;
    use crate::test_support::in_memory_names::{PAPER, Paper, SharedPaper, filesystem};

    const DISK: DeviceNumber = DeviceNumber::new(8, 1);

    fn share() -> Share {
        let id = ContainerId::new("c").unwrap();
        Share::volume("/m", &id, "v", Location::trusted("/mnt/s")).unwrap().read_only()
    }

    fn paper() -> SharedPaper {
        Paper::with(&["/m", "/m/c", "/m/c/v", "/mnt", "/mnt/s"])
    }

    /// `/mnt` is a shared mount of `/x` of the disk; what is on the name is this, asked for in turn, the last of it for
    /// good.
    fn looking(on_name: Vec<Option<MountInfo>>) -> MockMounter {
        looking_on(MockMounter::new(), on_name)
    }

    fn looking_on(mut mounter: MockMounter, on_name: Vec<Option<MountInfo>>) -> MockMounter {
        mounter
            .expect_mount_of()
            .withf(|at| *at == Location::trusted("/m/c"))
            .returning(|_| Ok(PathMount { mount: MountInfo::new(MountId(1), MountId(0), PAPER), is_root: false }));
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
        let mut attempts = 0;
        mounter.expect_let_others_run().returning(move |attempt| {
            attempts += 1;
            assert_eq!(attempt, attempts % ATTEMPTS);
        });
        mounter.expect_mount_of().withf(|at| *at == Location::trusted("/mnt/s")).returning(|_| {
            let mut mount = MountInfo::new(MountId(2), MountId(1), DISK);
            (mount.root, mount.mount_point) = ("/x".into(), "/mnt".into());
            mount.attributes.flags = MountFlags::NO_DEV;
            mount.propagation.peers = PeerGroup::new(5);
            Ok(PathMount { mount, is_root: false })
        });
        let mut order = mockall::Sequence::new();
        let last = on_name.len() - 1;
        for (index, found) in on_name.into_iter().enumerate() {
            mounter
                .expect_mount_of()
                .withf(|at| *at == Location::beneath("/m", "c/v").unwrap())
                .times(if index == last { 0..1000 } else { 1..2 })
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
    fn a_mount_in_the_making_is_looked_at_again() {
        let (mut shared_yet, mut stacked) = (shared(), shared());
        shared_yet.propagation.peers = PeerGroup::new(6);
        (stacked.id, stacked.parent) = (MountId(10), MountId(9));
        for first in [shared_yet, stacked] {
            let mounter = looking(vec![Some(first), Some(shared())]);
            match ensure_share(&filesystem(&paper()), &mounter, &share()).unwrap() {
                Ensured::AlreadySatisfied(record) => assert_eq!(record.mount, MountKey::Reused(MountId(9))),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn mount_that_stays_unfinished_is_finished() {
        let (mut first, times) = (shared(), ATTEMPTS as usize);
        first.propagation.peers = PeerGroup::new(6);
        let unfinished = std::iter::repeat_n(Some(first), times);
        let mut mounter = looking(unfinished.chain([Some(shared())]).collect());
        let ours = |at: &Location, mount: &MountKey, propagation: &Propagation| {
            (at, mount, propagation)
                == (&Location::beneath("/m", "c/v").unwrap(), &MountKey::Reused(MountId(9)), &Propagation::Private)
        };
        mounter.expect_set_propagation_of().withf(ours).times(1).returning(|_, _, _| Ok(()));
        let there = ensure_share(&filesystem(&paper()), &mounter, &share()).unwrap();
        assert!(matches!(there, Ensured::AlreadySatisfied(_)), "{there:?}");
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
        assert_eq!(other(|mount| mount.idmapped = true), [Difference::IdMap]);
    }

    #[test]
    fn a_conflict_that_another_caller_cannot_end_is_returned_at_once() {
        let other = MountInfo { device: DeviceNumber::new(8, 2), ..shared() };
        let there = ensure_share(&filesystem(&paper()), &looking(vec![Some(other), None]), &share());
        assert!(matches!(there, Ok(Ensured::Conflict(_))), "{there:?}");
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
    fn ensure_succeeds_where_another_caller_mounts_first() {
        for (found, satisfied) in [(Some(shared()), true), (None, false)] {
            let mut mounter = looking(vec![None, found]);
            let attempts = if satisfied { 1 } else { 2 * ATTEMPTS as usize };
            let refused = |_: &_| Err(OsError::new(Operation::Bind, "/m/c/v", Errno::EBUSY));
            mounter.expect_bind().times(attempts).returning(refused);
            match ensure_share(&filesystem(&paper()), &mounter, &share()) {
                Ok(Ensured::AlreadySatisfied(_)) => assert!(satisfied),
                Err(error) => assert!(!satisfied && error.errno() == Some(Errno::EBUSY)),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn name_that_another_caller_replaces_is_looked_at_again() {
        let mut mounter = MockMounter::new();
        let stale = |_: &Location| Err(OsError::new(Operation::MountOf, "/m/c/v", Errno::ESTALE));
        mounter.expect_mount_of().withf(|at| *at == Location::beneath("/m", "c/v").unwrap()).times(1).returning(stale);
        mounter
            .expect_mount_of()
            .withf(|at| *at == Location::trusted("/m"))
            .returning(|_| Ok(PathMount { mount: MountInfo::new(MountId(1), MountId(0), PAPER), is_root: false }));
        let mounter = looking_on(mounter, vec![Some(shared())]);
        let there = ensure_share(&filesystem(&paper()), &mounter, &share());
        assert!(matches!(there, Ok(Ensured::AlreadySatisfied(_))), "{there:?}");
    }

    #[test]
    fn what_cannot_be_looked_at_is_an_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
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
}
