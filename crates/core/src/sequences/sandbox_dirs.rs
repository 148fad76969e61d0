//! The two directories of a sandbox.

use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    BindMount, Errno, Error, Filesystem, Leftover, Location, MountKey, Mounter, OsError, Propagation, UnmountMode,
    UnmountRequest, bind_mount,
};

/// What to do where the host's directory is not on a shared mount: a slave of it would silently be private, and nothing
/// would reach the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnsharedMounts {
    /// Fail with [`Error::NotShared`].
    #[default]
    Refuse,
    /// Bind the directory onto itself and make that mount shared; the tear-down takes it off again.
    MakeShared,
}

/// The two directories of a sandbox, set up: what the tear-down needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxDirs {
    /// The host's side; everything is bound below it.
    pub mounts_dir: Utf8PathBuf,
    /// What the guest sees: a read-only slave of it.
    pub shared_dir: Utf8PathBuf,
    /// The mount on `shared_dir`.
    pub shared: MountKey,
    /// The mount of `mounts_dir` onto itself, where one was needed.
    pub made_shared: Option<MountKey>,
}

/// Binds `mounts_dir` onto `shared_dir`, read-only, slave: whatever is mounted below the first from now on appears below the
/// second, and nothing can be written there.
///
/// Both paths are trusted. `shared_dir` is made where it is missing, and must not be a mount point.
///
/// # Errors
///
/// [`Error::NotShared`]: see [`UnsharedMounts`]. [`Error::Os`]: what [`Mounter::bind`] says; nothing is left then.
pub fn set_up_sandbox_dirs(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    shared_dir: &Utf8Path,
    unshared: UnsharedMounts,
) -> Result<SandboxDirs, Error> {
    let span = tracing::debug_span!(target: "mountwright", "set_up_sandbox_dirs", subsystem = "mount",
        source = %mounts_dir, destination = %shared_dir);
    let _entered = span.enter();
    let mounts = Location::from(mounts_dir.as_std_path());
    let shared = Location::from(shared_dir.as_std_path());
    for (path, what) in [(mounts_dir, "mounts directory"), (shared_dir, "shared directory")] {
        if path.as_str().is_empty() {
            return Err(Error::Unspecified { what });
        }
    }
    let is_shared = mounter.mount_of(&mounts)?.mount.propagation.peers.is_some();
    let made_shared = match (is_shared, unshared) {
        (true, _) => None,
        (false, UnsharedMounts::Refuse) => return Err(Error::NotShared { path: mounts_dir.into() }),
        (false, UnsharedMounts::MakeShared) => {
            let onto_itself = BindMount::new(mounts.clone(), mounts.clone()).propagation(Propagation::Shared);
            Some(bind_mount(fs, mounter, &onto_itself.stacking())?.mount)
        }
    };
    let slave = BindMount::new(mounts.clone(), shared).read_only().propagation(Propagation::Slave);
    match bind_mount(fs, mounter, &slave) {
        Ok(report) => Ok(SandboxDirs {
            mounts_dir: mounts_dir.to_owned(),
            shared_dir: shared_dir.to_owned(),
            shared: report.mount,
            made_shared,
        }),
        Err(error) => Err(take_back(mounter, &mounts, made_shared, error)),
    }
}

fn take_back(mounter: &dyn Mounter, mounts: &Location, made: Option<MountKey>, error: Error) -> Error {
    let Some(key) = made else { return error };
    match (detach(mounter, mounts, key), error) {
        (Err(_), Error::Os(error)) => {
            Error::Os(error.leaving(Leftover::Mount { mount: key, at: mounts.for_display() }))
        }
        (_, error) => error,
    }
}

/// Takes both mounts of a sandbox's directories off again, if they are still the ones that were made. The directories stay.
///
/// Both are tried; that one of them is gone already is not an error.
///
/// # Errors
///
/// The first [`Error::Os`] that [`Mounter::unmount`] answered: `ESTALE` where something else covers the mount.
pub fn tear_down_sandbox_dirs(mounter: &dyn Mounter, dirs: &SandboxDirs) -> Result<(), Error> {
    let span = tracing::debug_span!(target: "mountwright", "tear_down_sandbox_dirs", subsystem = "mount",
        "shared-dir" = %dirs.mounts_dir);
    let _entered = span.enter();
    let shared = detach(mounter, &Location::from(dirs.shared_dir.as_std_path()), dirs.shared);
    let mounts = Location::from(dirs.mounts_dir.as_std_path());
    let made = dirs.made_shared.map_or(Ok(()), |key| detach(mounter, &mounts, key));
    Ok(shared.and(made)?)
}

fn detach(mounter: &dyn Mounter, at: &Location, key: MountKey) -> Result<(), OsError> {
    match mounter.unmount(&UnmountRequest::new(at.clone()).with_mode(UnmountMode::Detach).only(key)) {
        Err(error) if [Errno::EINVAL, Errno::ENOENT].contains(&error.errno()) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BindReport, BindRequest, DeviceNumber, Guarantee, MockFilesystem, MockMounter, MountFlags, MountId, MountInfo,
        Operation, PathMount, PeerGroup,
    };

    fn key(id: u32) -> MountKey {
        MountKey::Reused(MountId(id))
    }

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Bind, "/shared", errno)
    }

    fn on_mount(shared: bool) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().returning(move |_| {
            let mut mount = MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(0, 1));
            mount.propagation.peers = PeerGroup::new(u32::from(shared));
            Ok(PathMount { mount, is_root: false })
        });
        mounter
    }

    fn is_slave(request: &BindRequest) -> bool {
        request.wanted_propagation() == Some(Propagation::Slave)
            && request.change().set() == MountFlags::READ_ONLY
            && *request.target() == Location::trusted("/shared")
    }

    fn set_up(mounter: &MockMounter, unshared: UnsharedMounts) -> Result<SandboxDirs, Error> {
        set_up_sandbox_dirs(&MockFilesystem::new(), mounter, "/mounts".into(), "/shared".into(), unshared)
    }

    #[test]
    fn on_a_shared_mount_it_is_one_bind() {
        let mut mounter = on_mount(true);
        mounter.expect_bind().withf(is_slave).times(1).returning(|_| Ok(BindReport::new(key(2), Guarantee::Atomic)));
        let dirs = set_up(&mounter, UnsharedMounts::Refuse).unwrap();
        assert_eq!((dirs.shared, dirs.made_shared), (key(2), None));
    }

    #[test]
    fn a_slave_that_would_be_private_is_refused() {
        let error = set_up(&on_mount(false), UnsharedMounts::Refuse).unwrap_err();
        assert_eq!(error, Error::NotShared { path: "/mounts".into() });
    }

    fn made_shared() -> MockMounter {
        let mut mounter = on_mount(false);
        mounter
            .expect_bind()
            .withf(|r| r.wanted_propagation() == Some(Propagation::Shared) && r.source() == r.target())
            .times(1)
            .returning(|_| Ok(BindReport::new(key(2), Guarantee::Atomic)));
        mounter
    }

    #[test]
    fn it_is_made_shared_when_asked() {
        let mut mounter = made_shared();
        mounter.expect_bind().withf(is_slave).times(1).returning(|_| Ok(BindReport::new(key(3), Guarantee::Atomic)));
        let dirs = set_up(&mounter, UnsharedMounts::MakeShared).unwrap();
        assert_eq!((dirs.shared, dirs.made_shared), (key(3), Some(key(2))));
    }

    #[test]
    fn a_failure_takes_back_what_was_made() {
        let mut mounter = made_shared();
        mounter.expect_bind().withf(is_slave).returning(|_| Err(os(Errno::EBUSY)));
        mounter.expect_unmount().withf(|r| r.expected() == Some(key(2))).times(1).returning(|_| Ok(()));
        let error = set_up(&mounter, UnsharedMounts::MakeShared).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Some(Errno::EBUSY), &[][..]));

        let mut mounter = made_shared();
        mounter.expect_bind().withf(is_slave).returning(|_| Err(os(Errno::EBUSY)));
        mounter.expect_unmount().returning(|_| Err(os(Errno::EPERM)));
        let error = set_up(&mounter, UnsharedMounts::MakeShared).unwrap_err();
        assert_eq!(error.left(), [Leftover::Mount { mount: key(2), at: "/mounts".into() }]);
    }

    #[test]
    fn tearing_down_tries_both_and_takes_no_other_mount() {
        let dirs = SandboxDirs {
            mounts_dir: "/mounts".into(),
            shared_dir: "/shared".into(),
            shared: key(3),
            made_shared: Some(key(2)),
        };
        let mut mounter = MockMounter::new();
        mounter.expect_unmount().withf(|r| r.expected() == Some(key(3))).times(1).returning(|_| Err(os(Errno::ESTALE)));
        mounter.expect_unmount().withf(|r| r.expected() == Some(key(2))).times(1).returning(|_| Ok(()));
        assert_eq!(tear_down_sandbox_dirs(&mounter, &dirs).unwrap_err().errno(), Some(Errno::ESTALE));

        let mut mounter = MockMounter::new();
        mounter.expect_unmount().times(2).returning(|_| Err(os(Errno::EINVAL)));
        assert_eq!(tear_down_sandbox_dirs(&mounter, &dirs), Ok(()));
    }

    #[test]
    fn empty_paths_are_named() {
        let mounter = MockMounter::new();
        let fs = MockFilesystem::new();
        let error = set_up_sandbox_dirs(&fs, &mounter, "".into(), "/s".into(), UnsharedMounts::Refuse).unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "mounts directory" });
        let error = set_up_sandbox_dirs(&fs, &mounter, "/m".into(), "".into(), UnsharedMounts::Refuse).unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "shared directory" });
    }
}
