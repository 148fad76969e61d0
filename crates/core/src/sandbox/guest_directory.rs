//! The directory that the guest sees: a read-only slave of the mounts directory.

use crate::bind::in_span::bind_in_span;
use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::mount::{BindRequest, MountKey, MountShape, Propagation};
use crate::ports::{Filesystem, Mounter};
use crate::sandbox::SandboxSetup;
use crate::sandbox::races::{at, is_quicker_at, torn_down};
use crate::share::expected_mount::{shape_of_bind, shape_of_copy};
use crate::share::unfinished::{self, may_be_in_the_making};
use crate::stepwise::attempts::{ATTEMPTS, settled_mount_on};
use crate::unmount::exact::detach_exactly;

/// The binding of one mounts directory to the guest's.
pub(crate) struct GuestDirectory<'a> {
    pub(crate) fs: &'a dyn Filesystem,
    pub(crate) mounter: &'a dyn Mounter,
    pub(crate) setup: &'a SandboxSetup,
    /// The mount of the mounts directory onto itself, where there is one.
    pub(crate) onto_itself: Option<MountKey>,
}

impl GuestDirectory<'_> {
    /// Binds the guest's directory unless it is bound. Returns the mount, and true where this call has created it.
    pub(crate) fn bind(&self) -> Result<(MountKey, bool), Error> {
        let mut last = torn_down(self.setup.shared());
        for attempt in 1..=2 * ATTEMPTS {
            match self.try_to_bind() {
                Err(Error::Conflict(conflict)) if may_be_in_the_making(&conflict) => {
                    if attempt == ATTEMPTS {
                        unfinished::finish(self.mounter, &at(self.setup.shared()), &conflict)?;
                    }
                    last = conflict.into();
                }
                Err(error) if is_quicker_at(&error) => last = error,
                done => return done,
            }
            self.mounter.let_others_run(attempt % ATTEMPTS);
        }
        Err(last)
    }

    fn try_to_bind(&self) -> Result<(MountKey, bool), Error> {
        let at_shared = at(self.setup.shared());
        if let Some(there) = settled_mount_on(self.mounter, &at_shared)? {
            return Ok((self.wanted()?.check(there)?.key(), false));
        }
        self.check_uncovered()?;
        // Nothing is below `shared` yet, so a window cannot leave a writable copy.
        let request = BindRequest::new(at(self.setup.mounts()), at_shared).read_only().propagation(Propagation::Slave);
        self.keep_if_slave(bind_in_span(self.mounter, &request)?.mount)
    }

    /// Fails with `EBUSY` where another mount covers the mount onto itself: the bind would take that one as its source.
    fn check_uncovered(&self) -> Result<(), Error> {
        let Some(mount) = self.onto_itself else { return Ok(()) };
        let mounts = self.setup.mounts();
        if self.mounter.mount_of(&at(mounts))?.mount.key() == mount {
            return Ok(());
        }
        Err(OsError::new(Operation::Bind, mounts.as_std_path(), Errno::EBUSY).into())
    }

    /// The expected mount. Derived from the mount onto itself where there is one, because another caller's mount may
    /// cover its name for a moment.
    fn wanted(&self) -> Result<MountShape, Error> {
        let Some(mount) = self.onto_itself else {
            return shape_of_bind(self.fs, self.mounter, &at(self.setup.mounts()), true, Propagation::Slave);
        };
        match self.mounter.find_mount(mount) {
            Ok(found) => Ok(shape_of_copy(&found, found.root.clone(), true, Propagation::Slave)),
            Err(error) if error.errno() == Errno::ENOENT => Err(torn_down(self.setup.mounts())),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the new mount if it is a slave of the mounts directory: its name may have led to another mount for a
    /// moment.
    fn keep_if_slave(&self, mount: MountKey) -> Result<(MountKey, bool), Error> {
        let looked = self.wanted().and_then(|wanted| Ok((wanted, self.mounter.find_mount(mount)?)));
        let refused = match looked {
            Ok((wanted, found)) if wanted.differences(&found).is_empty() => return Ok((mount, true)),
            Ok(_) => OsError::new(Operation::Bind, self.setup.shared().as_std_path(), Errno::EBUSY).into(),
            Err(error) => error,
        };
        match detach_exactly(self.mounter, &at(self.setup.shared()), mount) {
            Ok(()) => Err(refused),
            Err(_) => Err(refused.leaving(vec![Leftover::Mount { mount, at: self.setup.shared().into() }])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::{MountFlags, MountId, MountInfo, PathMount, PeerGroup};
    use crate::ports::{MockFilesystem, MockMounter};
    use std::sync::{Arc, Mutex};

    const KEY: MountKey = MountKey::Reused(MountId(7));

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::FindMount, "/s/mounts", errno)
    }

    fn setup() -> SandboxSetup {
        SandboxSetup::new("/s/mounts", "/s/shared").unwrap()
    }

    /// The guest's directory of a mounts directory that the mount 7 binds onto itself.
    fn guest<'a>(setup: &'a SandboxSetup, fs: &'a MockFilesystem, mounter: &'a MockMounter) -> GuestDirectory<'a> {
        GuestDirectory { fs, mounter, setup, onto_itself: Some(KEY) }
    }

    fn mount(id: u32) -> MountInfo {
        let mut mount = MountInfo::new(MountId(id), MountId(1), DeviceNumber::new(8, 1));
        mount.propagation.peers = PeerGroup::new(3);
        mount
    }

    #[test]
    fn a_cover_of_the_mount_onto_itself_is_busy() {
        for (id, result) in [(7, Ok(())), (8, Err(Some(Errno::EBUSY)))] {
            let mut mounter = MockMounter::new();
            mounter.expect_mount_of().returning(move |_| Ok(PathMount { mount: mount(id), is_root: true }));
            let checked = guest(&setup(), &MockFilesystem::new(), &mounter).check_uncovered();
            assert_eq!(checked.map_err(|error| error.errno()), result);
        }
    }

    #[test]
    fn a_mount_onto_itself_that_is_gone_is_stale() {
        for (errno, expected) in [(Errno::ENOENT, Errno::ESTALE), (Errno::EIO, Errno::EIO)] {
            let mut mounter = MockMounter::new();
            mounter.expect_find_mount().returning(move |_| Err(os(errno)));
            let wanted = guest(&setup(), &MockFilesystem::new(), &mounter).wanted();
            assert_eq!(wanted.unwrap_err().errno(), Some(expected));
        }
    }

    #[test]
    fn a_bind_that_is_no_slave_of_the_mounts_directory_is_unmounted() {
        for (unmount, left) in [(Ok(()), 0), (Err(Errno::EIO), 1)] {
            let mut mounter = MockMounter::new();
            mounter.expect_find_mount().returning(|_| Ok(mount(7)));
            mounter.expect_unmount().once().returning(move |_| unmount.map_err(os));
            let error = guest(&setup(), &MockFilesystem::new(), &mounter).keep_if_slave(KEY).unwrap_err();
            assert_eq!((error.errno(), error.left().len()), (Some(Errno::EBUSY), left));
        }
    }

    #[test]
    fn a_bind_that_others_are_quicker_at_is_tried_a_bounded_number_of_times() {
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let sink = attempts.clone();
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().returning(|_| Ok(PathMount { mount: mount(8), is_root: false }));
        mounter.expect_let_others_run().returning(move |attempt| sink.lock().unwrap().push(attempt));
        let error = guest(&setup(), &MockFilesystem::new(), &mounter).bind().unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EBUSY));
        let expected: Vec<_> = (1..ATTEMPTS).chain(0..ATTEMPTS).chain([0]).collect();
        assert_eq!(*attempts.lock().unwrap(), expected);
    }

    /// The guest's directory is a mount point, whose mount is read-only or not and has peers of its own.
    fn mounted(flags: MountFlags) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().returning(move |at| {
            let is_root = *at == super::at("/s/shared".into());
            let mut found = mount(if is_root { 9 } else { 1 });
            found.attributes.flags = flags;
            found.propagation.master = PeerGroup::new(3);
            found.mount_point = at.for_display();
            Ok(PathMount { mount: found, is_root })
        });
        mounter.expect_find_mount().returning(|_| Ok(mount(7)));
        mounter
    }

    #[test]
    fn a_conflict_that_another_caller_cannot_end_is_returned_at_once() {
        let stays = guest(&setup(), &MockFilesystem::new(), &mounted(MountFlags::NONE)).bind();
        assert!(matches!(stays, Err(Error::Conflict(_))), "{stays:?}");
    }

    #[test]
    fn a_mount_that_stays_unfinished_is_unmounted_once() {
        let mut mounter = mounted(MountFlags::READ_ONLY);
        mounter.expect_let_others_run().return_const(());
        mounter.expect_unmount().times(1).returning(|_| Ok(()));
        let stays = guest(&setup(), &MockFilesystem::new(), &mounter).bind();
        assert!(matches!(stays, Err(Error::Conflict(_))), "{stays:?}");
    }
}
