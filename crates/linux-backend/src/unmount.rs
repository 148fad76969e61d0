//! Taking mounts off.

use mountwright_core::{Errno, MountKey, UnmountMode, UnmountRequest};

use crate::LinuxBackend;
use crate::abi::{
    AT_SYMLINK_NOFOLLOW, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE, STATX_TYPE, UMOUNT_NOFOLLOW,
};
use crate::fault::{Fault, Step};
use crate::identity::{QUIETLY, kind, mount_key, mount_root};
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
    pub(crate) fn unmount_request(&self, request: &UnmountRequest) -> Step<()> {
        let Some(expected) = request.expected() else {
            let place = self.place_for_one_call(request.at())?;
            return self.unmount_by_name(&place, bits(request.mode()));
        };
        let bits = bits(request.mode());
        match request.mode() {
            // To look which mount it is would be to use it, and the mark would be gone.
            UnmountMode::Expire => Err(Fault::new(Call::Umount2, Errno::EOPNOTSUPP)),
            UnmountMode::Detach | UnmountMode::ForceDetach => {
                self.unmount_pinned(&self.place(request.at())?, bits, expected)
            }
            UnmountMode::Plain | UnmountMode::Force => {
                self.unmount_looked_at(&self.place(request.at())?, bits, expected)
            }
        }
    }

    /// By the directory and the name in it: nothing of the mount itself is kept open, which would make it busy.
    fn unmount_by_name(&self, place: &Place<'_, K::Fd>, bits: u32) -> Step<()> {
        let target = match place.reach() {
            Reach::Path(path) => Reach::Path(without_end_slashes(path)),
            other => other,
        };
        let result = self.calls.umount2(target, bits | UMOUNT_NOFOLLOW);
        // The kernel says of a symlink that nothing is mounted on it.
        result.map_err(|fault| match fault.errno() {
            Errno::EINVAL if self.is_symlink(place) => fault.saying(Errno::ELOOP),
            _ => fault,
        })
    }

    fn is_symlink(&self, place: &Place<'_, K::Fd>) -> bool {
        let name = without_end_slashes(place.name());
        let stat = self.calls.statx(place.dir(), name, AT_SYMLINK_NOFOLLOW | QUIETLY, STATX_TYPE);
        stat.is_ok_and(|stat| kind(&stat) == S_IFLNK)
    }

    /// Lazily, by a descriptor of the very mount that was looked at: whatever its name leads to meanwhile, no other mount
    /// below a name can be hit. Only one that is put over it in this very moment would be taken instead.
    fn unmount_pinned(&self, place: &Place<'_, K::Fd>, bits: u32, expected: MountKey) -> Step<()> {
        let mount = self.pin_name(place)?;
        expect(self.seen_through(&mount, expected)?, expected)?;
        self.calls.umount2(Reach::Descriptor(&mount), bits)
    }

    /// Not lazily: a descriptor of the mount would make it busy, so that it has to be by name, after a look. The name of a
    /// mount point cannot be exchanged in the mount namespace that it is one in, but from another namespace it can. Where
    /// the kernel has unique ids a second look tells whether it was another mount that went.
    fn unmount_looked_at(&self, place: &Place<'_, K::Fd>, bits: u32, expected: MountKey) -> Step<()> {
        let name = without_end_slashes(place.name());
        let stat = self.calls.statx(place.dir(), name, AT_SYMLINK_NOFOLLOW | QUIETLY, mask_for(expected))?;
        let seen = match (mount_key(&stat), mount_root(&stat)) {
            (Some(mount), Some(is_root)) => Seen { is_link: kind(&stat) == S_IFLNK, mount, is_root },
            // A descriptor has to be asked before 5.8; it is closed again before the unmount.
            _ => self.seen_through(&self.pin_name(place)?, expected)?,
        };
        expect(seen, expected)?;
        self.unmount_by_name(place, bits)?;
        match expected {
            MountKey::Unique(id) if self.is_there(id) => Err(Fault::new(Call::Umount2, Errno::ESTALE)),
            _ => Ok(()),
        }
    }

    fn pin_name(&self, place: &Place<'_, K::Fd>) -> Step<K::Fd> {
        let name = without_end_slashes(place.name());
        self.calls.openat(place.dir(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    }

    /// What a descriptor is of, with a key of the same sort as the one expected where the kernel has it.
    fn seen_through(&self, file: &K::Fd, expected: MountKey) -> Step<Seen> {
        let stat = self.stat_fd(file, mask_for(expected))?;
        let is_link = kind(&stat) == S_IFLNK;
        let mount = match mount_key(&stat) {
            Some(mount) => mount,
            None => self.mount_in_fdinfo(file)?,
        };
        let is_root = match mount_root(&stat) {
            Some(is_root) => is_root,
            None => !is_link && self.mount_of_pinned(file)?.is_root,
        };
        Ok(Seen { is_link, mount, is_root })
    }
}

/// What a name leads to.
#[derive(Clone, Copy)]
struct Seen {
    is_link: bool,
    mount: MountKey,
    is_root: bool,
}

fn expect(seen: Seen, expected: MountKey) -> Step<()> {
    let refused = match seen {
        Seen { is_link: true, .. } => Errno::ELOOP,
        Seen { is_root: false, .. } => Errno::EINVAL,
        Seen { mount, .. } if mount != expected => Errno::ESTALE,
        Seen { .. } => return Ok(()),
    };
    Err(Fault::new(Call::Statx, refused))
}

/// What to ask statx for to compare with a key of this sort.
fn mask_for(expected: MountKey) -> u32 {
    match expected {
        MountKey::Unique(_) => STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE,
        MountKey::Reused(_) => STATX_TYPE | STATX_MNT_ID,
    }
}
