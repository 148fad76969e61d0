//! Attempts of a call that other callers of the library interfere with.

use crate::error::errno::is_gone;
use crate::error::{Errno, Error, Operation, OsError};
use crate::mount::{MountInfo, PathMount};
use crate::path::Location;
use crate::ports::Mounter;

/// The attempts of one call. A failed attempt has changed nothing. Another caller makes one fail only in a short moment
/// between two system calls, so this many failures in a row need a caller that does nothing else.
pub(crate) const ATTEMPTS: u32 = 64;

/// The attempts of a whole set-up, each step of which has its own [`ATTEMPTS`].
pub(crate) const SET_UP_ATTEMPTS: u32 = 8;

/// True where `error` means that another caller removed or replaced the names that the call uses, or mounted in the
/// mount that the call was attaching, and the attempt left nothing.
pub(crate) fn is_of_another_caller(error: &Error) -> bool {
    let was_entered =
        || matches!(error, Error::Os(error) if error.operation() == Operation::Bind && error.errno() == Errno::EAGAIN);
    let errno = error.errno();
    (errno.is_some_and(|errno| is_gone(errno) || errno == Errno::ESTALE) || was_entered()) && error.left().is_empty()
}

/// True where a bind failed because another caller has mounted first, and the attempt left nothing.
pub(crate) fn is_lost_race(error: &Error) -> bool {
    matches!(error, Error::Os(error) if error.operation() == Operation::Bind && error.errno() == Errno::EBUSY)
        && error.left().is_empty()
}

/// The mount that holds `at`. A mount that is stacked on another is looked up again: a bind that lost a race is visible
/// for a moment, until its caller unmounts it. A stack that stays is returned as any mount is.
pub(crate) fn settled_mount(mounter: &dyn Mounter, at: &Location) -> Result<PathMount, OsError> {
    for attempt in 1..ATTEMPTS {
        let found = mounter.mount_of(at)?;
        if !found.is_root || !is_stacked(mounter, &found.mount)? {
            return Ok(found);
        }
        mounter.let_others_run(attempt);
    }
    mounter.mount_of(at)
}

/// As [`settled_mount`], for a mount point; `None` where `at` is none.
pub(crate) fn settled_mount_on(mounter: &dyn Mounter, at: &Location) -> Result<Option<MountInfo>, OsError> {
    match settled_mount(mounter, at) {
        Ok(found) => Ok(found.is_root.then_some(found.mount)),
        Err(error) if is_gone(error.errno()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// True where `mount` is mounted on the root of another mount, and not on a directory or file of the mount that holds
/// its parent directory.
fn is_stacked(mounter: &dyn Mounter, mount: &MountInfo) -> Result<bool, OsError> {
    let Some(above) = mount.mount_point.parent() else { return Ok(false) };
    match mounter.mount_of(&Location::trusted(above)) {
        Ok(around) => Ok(around.mount.id != mount.parent),
        Err(error) if is_gone(error.errno()) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Leftover;
    use crate::file::DeviceNumber;
    use crate::mount::MountId;
    use crate::ports::MockMounter;

    #[test]
    fn a_name_that_is_not_there_has_no_mount_on_it() {
        for (errno, answer) in [(Errno::ENOENT, Ok(None)), (Errno::ENOTDIR, Ok(None)), (Errno::EIO, Err(Errno::EIO))] {
            let mut mounter = MockMounter::new();
            mounter
                .expect_mount_of()
                .returning(move |at| Err(OsError::new(Operation::MountOf, at.for_display(), errno)));
            let found = settled_mount_on(&mounter, &Location::trusted("/m/c")).map_err(|error| error.errno());
            assert_eq!(found, answer);
        }
    }

    #[test]
    fn a_mount_point_without_a_reachable_parent_is_not_stacked() {
        for (errno, is_settled) in [(Errno::ENOENT, true), (Errno::ENOTDIR, true), (Errno::EIO, false)] {
            let mut mounter = MockMounter::new();
            mounter.expect_mount_of().returning(move |at| match at.for_display().to_str() {
                Some("/m/c") => {
                    let mut mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
                    mount.mount_point = "/m/c".into();
                    Ok(PathMount { mount, is_root: true })
                }
                _ => Err(OsError::new(Operation::MountOf, at.for_display(), errno)),
            });
            let found = settled_mount_on(&mounter, &Location::trusted("/m/c"));
            assert_eq!(found.as_ref().is_ok_and(Option::is_some), is_settled, "{errno}");
            assert!(is_settled || found.is_err_and(|error| error.errno() == errno));
        }
    }

    #[test]
    fn a_race_is_lost_where_a_bind_is_busy_and_has_left_nothing() {
        let error = |operation, errno| OsError::new(operation, "/m/c", errno);
        let left = error(Operation::Bind, Errno::EBUSY).leaving(Leftover::Directory("/m/c".into()));
        for (error, is_lost) in [
            (error(Operation::Bind, Errno::EBUSY), true),
            (error(Operation::Mount, Errno::EBUSY), false),
            (error(Operation::Bind, Errno::EINVAL), false),
            (left, false),
        ] {
            assert_eq!(is_lost_race(&error.clone().into()), is_lost, "{error}");
        }
    }
}
