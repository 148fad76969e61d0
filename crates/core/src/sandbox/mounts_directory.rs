//! The mounts directory of a sandbox that needs a shared mount of its own: bound onto itself.

use camino::Utf8Path;

use crate::bind::in_span::bind_in_span;
use crate::device::within_root::within_root;
use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::mount::subpath::is_onto_itself;
use crate::mount::{BindRequest, Guarantee, MountInfo, MountKey, Propagation};
use crate::ports::{Filesystem, Mounter};
use crate::sandbox::races::{at, torn_down};
use crate::stepwise::attempts::ATTEMPTS;
use crate::unmount::exact::detach_exactly;
use crate::unmount::placeholder::is_gone;

/// The mount that holds the mounts directory.
pub(crate) enum Found {
    /// The directory bound onto itself: the mount of a set-up.
    OntoItself(MountInfo),
    Other(MountInfo),
}

impl Found {
    pub(crate) fn mount(&self) -> &MountInfo {
        let (Self::OntoItself(mount) | Self::Other(mount)) = self;
        mount
    }
}

/// Looks up the mount that holds the mounts directory. A bind onto itself stacked on another such bind has lost a race
/// and is about to be unmounted: the directory is looked up again.
pub(crate) fn look(fs: &dyn Filesystem, mounter: &dyn Mounter, path: &Utf8Path) -> Result<Found, Error> {
    let mut attempt = 0;
    loop {
        // A mount outside the root is refused: a second set-up could not recognize the result of this one.
        let there = within_root(fs, mounter, &at(path), mounter.mount_of(&at(path)))?;
        let under = if there.is_root { find_parent(mounter, &there.mount)? } else { None };
        let Some(under) = under.filter(|under| is_onto_itself(&there.mount, under)) else {
            return Ok(Found::Other(there.mount));
        };
        let is_stacked = under.mount_point == there.mount.mount_point;
        attempt += 1;
        if !is_stacked || attempt == ATTEMPTS || !is_onto_what_it_shows(mounter, &under)? {
            return Ok(Found::OntoItself(there.mount));
        }
        mounter.let_others_run(attempt);
    }
}

/// Binds the directory onto itself, on the mount `under`. The new mount is shared, in a peer group of its own. Fails
/// with `EBUSY`, and leaves nothing, where another caller has mounted there first.
pub(crate) fn bind(mounter: &dyn Mounter, path: &Utf8Path, under: &MountInfo) -> Result<MountKey, Error> {
    let request = BindRequest::new(at(path), at(path)).propagation(Propagation::Shared).stacking_on(under.key());
    let mount = bind_in_span(mounter, &request.require(Guarantee::Window))?.mount;
    let kept = keep_if_on(mounter, path, mount, under)?;
    kept.ok_or_else(|| OsError::new(Operation::Bind, path.as_std_path(), Errno::EBUSY).into())
}

/// Keeps a bind of the directory onto itself if it shows the directory that it covers and its parent is `under`; else
/// it is unmounted and the result is `None`.
pub(crate) fn keep_if_on(
    mounter: &dyn Mounter,
    path: &Utf8Path,
    mount: MountKey,
    under: &MountInfo,
) -> Result<Option<MountKey>, Error> {
    let leftover = || Leftover::Mount { mount, at: path.into() };
    match mounter.find_mount(mount) {
        Ok(info) if info.parent == under.id && is_onto_itself(&info, under) => return Ok(Some(mount)),
        Ok(_) => {}
        // It counts as gone only if two calls report that.
        Err(gone) if gone.errno() == Errno::ENOENT && !shows(mounter, path, mount)? => return Ok(None),
        Err(error) => {
            let undone = detach_exactly(mounter, &at(path), mount).is_ok();
            return Err(Error::from(error).leaving((!undone).then(leftover).into_iter().collect()));
        }
    }
    match detach_exactly(mounter, &at(path), mount) {
        Ok(()) => Ok(None),
        Err(error) => Err(error.leaving(leftover()).into()),
    }
}

fn shows(mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<bool, Error> {
    match mounter.mount_of(&at(path)) {
        Ok(found) => Ok(found.mount.key() == mount),
        Err(error) if is_gone(error.errno()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes this mount shared in place of the set-up that bound it.
pub(crate) fn make_shared(mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<(), Error> {
    for attempt in 0..ATTEMPTS {
        match mounter.set_propagation_of(&at(path), mount, Propagation::Shared) {
            Ok(()) => return Ok(()),
            // The mount is covered for a moment, or unmounted.
            Err(error) if matches!(error.errno(), Errno::EINVAL | Errno::ESTALE) || is_gone(error.errno()) => {}
            Err(error) => return Err(error.into()),
        }
        if is_shared(mounter, path, mount)? {
            return Ok(());
        }
        mounter.let_others_run(attempt);
    }
    Err(torn_down(path))
}

/// True where the mount is shared; fails with `ESTALE` where it is gone.
pub(crate) fn is_shared(mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<bool, Error> {
    match mounter.find_mount(mount) {
        Ok(found) => Ok(found.propagation.peers.is_some()),
        Err(error) if error.errno() == Errno::ENOENT => Err(torn_down(path)),
        Err(error) => Err(error.into()),
    }
}

/// True where a mount shows the directory that it covers.
pub(crate) fn is_onto_what_it_shows(mounter: &dyn Mounter, mount: &MountInfo) -> Result<bool, Error> {
    Ok(find_parent(mounter, mount)?.is_some_and(|under| is_onto_itself(mount, &under)))
}

/// The parent of a mount; `None` where this process cannot look it up.
fn find_parent(mounter: &dyn Mounter, mount: &MountInfo) -> Result<Option<MountInfo>, Error> {
    match mounter.find_mount(MountKey::Reused(mount.parent)) {
        Ok(parent) => Ok(Some(parent)),
        Err(error) if error.errno() == Errno::ENOENT => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, PathMount, PeerGroup};
    use crate::ports::{MockFilesystem, MockMounter};
    use std::sync::{Arc, Mutex};

    const KEY: MountKey = MountKey::Reused(MountId(7));

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::FindMount, "/s/mounts", errno)
    }

    /// The mount 7, which binds `/s/mounts` onto itself on mount 1.
    fn mount(peers: Option<PeerGroup>) -> MountInfo {
        let mut mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
        (mount.root, mount.mount_point, mount.propagation.peers) = ("/s/mounts".into(), "/s/mounts".into(), peers);
        mount
    }

    fn under() -> MountInfo {
        let mut under = MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(8, 1));
        (under.root, under.mount_point) = ("/".into(), "/".into());
        under
    }

    fn finding(found: Result<MountInfo, Errno>) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_find_mount().returning(move |_| found.clone().map_err(os));
        mounter
    }

    fn errno<T>(result: Result<T, Error>) -> Result<T, Option<Errno>> {
        result.map_err(|error| error.errno())
    }

    /// The mount that is found at last, where `/s/mounts` shows these mounts in turn, the last one again and again; and
    /// the numbers of the attempts after which others run.
    fn looked(shown: Vec<MountInfo>, others: Vec<MountInfo>) -> (u32, Vec<u32>) {
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let (mut looks, sink) = (0, attempts.clone());
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().times(..=ATTEMPTS as usize).returning(move |_| {
            let mount = shown[looks.min(shown.len() - 1)].clone();
            looks += 1;
            Ok(PathMount { mount, is_root: true })
        });
        mounter.expect_find_mount().returning(move |key| {
            others.iter().find(|mount| mount.key() == key).cloned().ok_or_else(|| os(Errno::ENOENT))
        });
        mounter.expect_let_others_run().returning(move |attempt| sink.lock().unwrap().push(attempt));
        let found = look(&MockFilesystem::new(), &mounter, "/s/mounts".into()).unwrap();
        assert!(matches!(found, Found::OntoItself(_)));
        (found.mount().id.0, attempts.lock().unwrap().clone())
    }

    #[test]
    fn a_bind_onto_itself_on_another_is_looked_up_until_it_is_gone() {
        let bound = mount(None);
        let stacked = MountInfo { id: MountId(8), parent: bound.id, ..bound.clone() };
        let others = vec![under(), bound.clone()];
        assert_eq!(looked(vec![bound.clone()], others.clone()), (7, vec![]));
        assert_eq!(looked(vec![stacked.clone(), bound.clone()], others.clone()), (7, vec![1]));
        assert_eq!(looked(vec![stacked.clone()], others), (8, (1..ATTEMPTS).collect()), "it stays");
        let elsewhere = MountInfo { mount_point: "/s".into(), root: "/s".into(), ..bound.clone() };
        assert_eq!(
            looked(vec![stacked], vec![under(), elsewhere]),
            (8, vec![]),
            "the lower one is on a directory above"
        );
        let other = MountInfo { root: "/x".into(), ..bound };
        let on_other = MountInfo { id: MountId(8), parent: other.id, ..other.clone() };
        assert_eq!(looked(vec![on_other], vec![under(), other]), (8, vec![]), "the lower one is no bind onto itself");
    }

    #[test]
    fn a_mount_is_shared_not_shared_gone_or_unknown() {
        for (found, shared) in [
            (Ok(mount(PeerGroup::new(3))), Ok(true)),
            (Ok(mount(None)), Ok(false)),
            (Err(Errno::ENOENT), Err(Some(Errno::ESTALE))),
            (Err(Errno::EIO), Err(Some(Errno::EIO))),
        ] {
            assert_eq!(errno(is_shared(&finding(found), "/s/mounts".into(), KEY)), shared);
        }
    }

    #[test]
    fn a_mount_that_cannot_be_made_shared_at_once_is_looked_up() {
        for (refused, peers, made) in [
            (Errno::EINVAL, PeerGroup::new(3), Ok(())),
            (Errno::ESTALE, PeerGroup::new(3), Ok(())),
            (Errno::ENOENT, PeerGroup::new(3), Ok(())),
            (Errno::EIO, PeerGroup::new(3), Err(Some(Errno::EIO))),
            (Errno::EINVAL, None, Err(Some(Errno::ESTALE))),
        ] {
            let mut mounter = finding(Ok(mount(peers)));
            mounter.expect_set_propagation_of().returning(move |_, _, _| Err(os(refused)));
            mounter.expect_let_others_run().returning(|_| ());
            assert_eq!(errno(make_shared(&mounter, "/s/mounts".into(), KEY)), made, "{refused}");
        }
    }

    #[test]
    fn a_bind_onto_itself_is_kept_on_its_own_parent_alone() {
        let elsewhere = MountInfo { parent: MountId(2), ..mount(None) };
        let of_another_device = MountInfo { device: DeviceNumber::new(8, 2), ..mount(None) };
        for (found, there, unmount, kept) in [
            (Ok(mount(None)), Ok(7), Ok(()), Ok(Some(KEY))),
            (Ok(elsewhere.clone()), Ok(7), Ok(()), Ok(None)),
            (Ok(of_another_device), Ok(7), Ok(()), Ok(None)),
            (Ok(elsewhere), Ok(7), Err(Errno::EIO), Err((Errno::EIO, 1))),
            (Err(Errno::ENOENT), Ok(8), Ok(()), Ok(None)),
            (Err(Errno::ENOENT), Err(Errno::ENOENT), Ok(()), Ok(None)),
            (Err(Errno::ENOENT), Err(Errno::EIO), Ok(()), Err((Errno::EIO, 0))),
            (Err(Errno::ENOENT), Ok(7), Ok(()), Err((Errno::ENOENT, 0))),
            (Err(Errno::EIO), Ok(8), Ok(()), Err((Errno::EIO, 0))),
            (Err(Errno::EIO), Ok(8), Err(Errno::EIO), Err((Errno::EIO, 1))),
        ] {
            let mut mounter = finding(found.clone());
            mounter.expect_mount_of().returning(move |_| {
                let key = |id| PathMount { mount: MountInfo { id: MountId(id), ..mount(None) }, is_root: true };
                there.map(key).map_err(os)
            });
            mounter.expect_unmount().returning(move |_| unmount.map_err(os));
            let result = keep_if_on(&mounter, "/s/mounts".into(), KEY, &under());
            let result = result.map_err(|error| (error.errno().unwrap(), error.left().len()));
            assert_eq!(result, kept, "{found:?} {there:?} {unmount:?}");
        }
    }
}
