//! Taking mounts off.

use mountwright_core::{Errno, MountKey, UnmountMode, UnmountRequest};

use crate::LinuxBackend;
use crate::abi::{
    AT_SYMLINK_NOFOLLOW, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE, STATX_TYPE, UMOUNT_NOFOLLOW,
};
use crate::fault::{Fault, Step};
use crate::identity::{QUIETLY, kind, mount_key};
use crate::kernel::{Call, Kernel, Reach};
use crate::place::{Place, without_end_slashes};

fn bits(mode: UnmountMode) -> u32 {
    match mode {
        UnmountMode::Plain => 0,
        UnmountMode::Detach => MNT_DETACH,
        UnmountMode::Force => MNT_FORCE,
        UnmountMode::ForceDetach => MNT_FORCE | MNT_DETACH,
        UnmountMode::Expire => MNT_EXPIRE,
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// By the pinned directory and the name in it: nothing of the mount itself is kept open, which would make it busy.
    pub(crate) fn unmount_request(&self, request: &UnmountRequest) -> Step<()> {
        let place = match request.expected() {
            // Looked at, then unmounted: the directory has to stay the same.
            Some(_) => self.place(request.at())?,
            None => self.place_for_one_call(request.at())?,
        };
        if let Some(expected) = request.expected() {
            self.expect(&place, expected)?;
        }
        let target = match place.reach() {
            Reach::Path(path) => Reach::Path(without_end_slashes(path)),
            other => other,
        };
        let result = self.calls.umount2(target, bits(request.mode()) | UMOUNT_NOFOLLOW);
        // The kernel says of a symlink that nothing is mounted on it.
        result.map_err(|fault| match fault.errno() {
            Errno::EINVAL if self.is_symlink(&place) => fault.saying(Errno::ELOOP),
            _ => fault,
        })
    }

    fn is_symlink(&self, place: &Place<'_, K::Fd>) -> bool {
        let name = without_end_slashes(place.name());
        let stat = self.calls.statx(place.dir(), name, AT_SYMLINK_NOFOLLOW | QUIETLY, STATX_TYPE);
        stat.is_ok_and(|stat| kind(&stat) == S_IFLNK)
    }

    /// `ESTALE` where another mount than this one is topmost.
    fn expect(&self, place: &Place<'_, K::Fd>, expected: MountKey) -> Step<()> {
        let mask = match expected {
            MountKey::Unique(_) => STATX_MNT_ID | STATX_MNT_ID_UNIQUE,
            MountKey::Reused(_) => STATX_MNT_ID,
        };
        let name = without_end_slashes(place.name());
        let stat = self.calls.statx(place.dir(), name, AT_SYMLINK_NOFOLLOW | QUIETLY, STATX_TYPE | mask)?;
        if kind(&stat) == S_IFLNK {
            return Err(Fault::new(Call::Statx, Errno::ELOOP));
        }
        let found = if let Some(found) = mount_key(&stat) {
            found
        } else {
            // Before 5.8 a descriptor has to be asked; it is closed again before the unmount.
            self.mount_of_fd(&self.calls.openat(place.dir(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?)?
        };
        if found == expected { Ok(()) } else { Err(Fault::new(Call::Statx, Errno::ESTALE)) }
    }
}
