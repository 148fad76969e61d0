//! The last look at what a failed sequence leaves.

use crate::error::errno::is_gone;
use crate::error::{Errno, Error, Leftover};
use crate::mount::MountKey;
use crate::path::Location;
use crate::ports::Mounter;

/// The error without the mounts that another caller has unmounted since they were left.
pub(crate) fn without_gone_mounts(mounter: &dyn Mounter, error: Error) -> Error {
    error.with_left(|left| match left {
        Leftover::Mount { mount, at } => !is_unmounted(mounter, &Location::trusted(at.as_path()), *mount),
        _ => true,
    })
}

/// True where a mount certainly exists no more: two calls report that.
fn is_unmounted(mounter: &dyn Mounter, at: &Location, mount: MountKey) -> bool {
    mounter.find_mount(mount).is_err_and(|error| error.errno() == Errno::ENOENT)
        && match mounter.mount_of(at) {
            Ok(found) => found.mount.key() != mount,
            Err(error) => is_gone(error.errno()),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, MountInfo, PathMount};
    use crate::ports::MockMounter;

    fn found(id: u32) -> MountInfo {
        MountInfo::new(MountId(id), MountId(1), DeviceNumber::new(8, 1))
    }

    #[test]
    fn mount_counts_as_unmounted_only_where_two_calls_say_so() {
        let os = |errno| OsError::new(Operation::FindMount, "/m", errno);
        for (by_id, by_name, names) in [
            (Err(Errno::ENOENT), Ok(9), false),
            (Err(Errno::ENOENT), Err(Errno::ENOENT), false),
            (Err(Errno::ENOENT), Ok(7), true),
            (Err(Errno::ENOENT), Err(Errno::EIO), true),
            (Err(Errno::EIO), Ok(9), true),
            (Ok(7), Ok(9), true),
        ] {
            let mut mounter = MockMounter::new();
            mounter.expect_find_mount().returning(move |_| by_id.map(found).map_err(os));
            mounter
                .expect_mount_of()
                .returning(move |_| by_name.map(|id| PathMount { mount: found(id), is_root: true }).map_err(os));
            let mount = Leftover::Mount { mount: MountKey::Reused(MountId(7)), at: "/m".into() };
            let directory = Leftover::Directory("/m".into());
            let error = Error::from(os(Errno::EBUSY)).leaving(vec![mount.clone(), directory.clone()]);
            let left = without_gone_mounts(&mounter, error).left().to_vec();
            let expected = if names { vec![mount, directory] } else { vec![directory] };
            assert_eq!(left, expected, "{by_id:?} {by_name:?}");
        }
    }
}
