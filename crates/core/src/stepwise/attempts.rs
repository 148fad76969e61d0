//! Attempts of a call that other callers of the library interfere with.

use crate::error::errno::is_gone;
use crate::error::{Errno, Error, Operation, OsError};
use crate::mount::{MountInfo, PathMount};
use crate::path::Location;
use crate::ports::Mounter;

/// The attempts of one call. Each that fails changed nothing. Another caller needs one moment between two system calls to
/// make one fail, so that so many in a row are a caller who does nothing else.
pub(crate) const ATTEMPTS: u32 = 64;

/// The attempts of a whole set-up, each step of which has its own [`ATTEMPTS`].
pub(crate) const SET_UP_ATTEMPTS: u32 = 8;

/// Lets another caller run before the next attempt. Waits for nobody.
pub(crate) fn let_others_run() {
    std::thread::yield_now();
}

/// Whether `error` is what a call reports when another caller removed or exchanged the names that it works with, and
/// nothing is left of the attempt.
pub(crate) fn is_of_another_caller(error: &Error) -> bool {
    let errno = error.errno();
    errno.is_some_and(|errno| is_gone(errno) || errno == Errno::ESTALE) && error.left().is_empty()
}

/// Whether a bind failed because another caller has mounted first, and nothing is left of it.
pub(crate) fn is_lost_race(error: &Error) -> bool {
    matches!(error, Error::Os(error) if error.operation() == Operation::Bind && error.errno() == Errno::EBUSY)
        && error.left().is_empty()
}

/// The mount that holds `at`. Where it is stacked on another, it is looked at again: a bind that lost a race is seen for a
/// moment, until its caller unmounts it. A stack that stays is as good as any mount.
pub(crate) fn settled_mount(mounter: &dyn Mounter, at: &Location) -> Result<PathMount, OsError> {
    for _ in 1..ATTEMPTS {
        let found = mounter.mount_of(at)?;
        if !found.is_root || !is_stacked(mounter, &found.mount)? {
            return Ok(found);
        }
        let_others_run();
    }
    mounter.mount_of(at)
}

/// As [`settled_mount`], of a mount point; `None` where `at` is none.
pub(crate) fn settled_mount_on(mounter: &dyn Mounter, at: &Location) -> Result<Option<MountInfo>, OsError> {
    match settled_mount(mounter, at) {
        Ok(found) => Ok(found.is_root.then_some(found.mount)),
        Err(error) if is_gone(error.errno()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `mount` is mounted on the root of another mount, and not on a directory or file of the mount around it.
fn is_stacked(mounter: &dyn Mounter, mount: &MountInfo) -> Result<bool, OsError> {
    let Some(above) = mount.mount_point.parent() else { return Ok(false) };
    match mounter.mount_of(&Location::from(above)) {
        Ok(around) => Ok(around.mount.id != mount.parent),
        Err(error) if is_gone(error.errno()) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
}
