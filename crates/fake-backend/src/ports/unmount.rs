//! Taking mounts off.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::{Errno, MountKey, UnmountMode, UnmountRequest};

use super::calls::Calls;
use super::fault::{Fault, Step};
use super::identity::{QUIETLY, is_mount_root, key_like, mask_for};
use super::metadata::kind;
use super::place::{Place, without_end_slashes};
use crate::abi::{
    AT_SYMLINK_NOFOLLOW, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_TYPE, UMOUNT_NOFOLLOW,
};
use crate::{At, Statx};

const fn bits(mode: UnmountMode) -> u32 {
    match mode {
        UnmountMode::Plain => 0,
        UnmountMode::Detach => MNT_DETACH,
        UnmountMode::Force => MNT_FORCE,
        UnmountMode::ForceDetach => MNT_FORCE | MNT_DETACH,
        UnmountMode::Expire => MNT_EXPIRE,
    }
}

impl Calls<'_> {
    pub(crate) fn unmount(&mut self, request: &UnmountRequest) -> Step<()> {
        if request.expected().is_none() {
            let place = self.place_for_one_call(request.at())?;
            return self.unmount_by_name(&place, bits(request.mode()));
        }
        let place = self.place(request.at())?;
        self.unmount_place(&place, request.mode(), request.expected())
    }

    pub(crate) fn unmount_place(&mut self, place: &Place<'_>, mode: UnmountMode, only: Option<MountKey>) -> Step<()> {
        let bits = bits(mode);
        let Some(expected) = only else { return self.unmount_by_name(place, bits) };
        if mode == UnmountMode::Expire {
            // To look which mount it is would be to use it, and the mark would be gone.
            return Err(Fault::new("umount2", Errno::EOPNOTSUPP));
        }
        let name = without_end_slashes(&place.name);
        if bits & MNT_DETACH != 0 {
            let mount = self.openat(place.at, name, O_PATH | O_NOFOLLOW, 0)?;
            let seen = self.stat_fd(mount, mask_for(expected))?;
            expect(&seen, expected)?;
            self.umount_fd(mount, bits)
        } else {
            // A descriptor of the mount would make it busy: by name, after a look. Nobody acts in between.
            let seen = self.statx(place.at, name, AT_SYMLINK_NOFOLLOW | QUIETLY, mask_for(expected))?;
            expect(&seen, expected)?;
            self.unmount_by_name(place, bits)
        }
    }

    fn unmount_by_name(&mut self, place: &Place<'_>, bits: u32) -> Step<()> {
        let name = without_end_slashes(&place.name);
        // umount2 takes no descriptor: its way is by the magic link of one.
        let at = match place.at {
            At::Fd(fd) if !name.as_os_str().as_bytes().starts_with(b"/") => At::Link(fd),
            at => at,
        };
        let Err(fault) = self.umount2(at, name, bits | UMOUNT_NOFOLLOW) else { return Ok(()) };
        // The kernel says of a symlink that nothing is mounted on it.
        if fault.errno() == Errno::EINVAL && self.is_symlink(place.at, name) {
            return Err(fault.saying(Errno::ELOOP));
        }
        Err(fault)
    }

    fn is_symlink(&mut self, at: At, name: &Path) -> bool {
        let stat = self.statx(at, name, AT_SYMLINK_NOFOLLOW | QUIETLY, STATX_TYPE);
        stat.is_ok_and(|stat| kind(&stat) == S_IFLNK)
    }
}

/// Refuses what is not the root of the mount that is to go.
fn expect(seen: &Statx, expected: MountKey) -> Step<()> {
    let refused = if kind(seen) == S_IFLNK {
        Errno::ELOOP
    } else if !is_mount_root(seen) {
        Errno::EINVAL
    } else if key_like(seen, expected)? != expected {
        Errno::ESTALE
    } else {
        return Ok(());
    };
    Err(Fault::new("statx", refused))
}
