//! Finding the mount that mount(2) by path has just made.

use mountwright_core::error::Leftover;
use mountwright_core::{Errno, MountKey};

use crate::backend::LinuxBackend;
use crate::mounting::target::{Named, Target};
use crate::resolve::identity::{QUIETLY, mount_key};
use crate::syscalls::abi::{AT_SYMLINK_NOFOLLOW, MNT_DETACH, O_CLOEXEC, O_NOFOLLOW, O_PATH, STATX_INO, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach, Stat};

impl<K: Kernel> LinuxBackend<K> {
    /// Pins the new mount on a trusted target: a copy of the mount at `source`, or a new filesystem (`None`). The path
    /// of the target comes from the kernel.
    ///
    /// If it cannot be pinned, it is unmounted if the target's name certainly shows it. Otherwise it stays and is
    /// reported: an unmount takes the top of a stack, and that may be another process's mount.
    pub(crate) fn mounted_on(&self, target: &Target<'_, K::Fd>, source: Option<&K::Fd>) -> Step<(K::Fd, MountKey)> {
        self.pin_mounted(target, source).map_err(|fault| {
            let shown = self.stat_shown(target).and_then(|stat| self.is_what_was_mounted(&stat, target, source));
            let off = shown.unwrap_or(false) && self.calls.umount2(Reach::Descriptor(&target.file), MNT_DETACH).is_ok();
            // The identity of the mount could not be found out.
            if off { fault } else { fault.leaving(Leftover::Attributes { at: target.shown() }) }
        })
    }

    fn pin_mounted(&self, target: &Target<'_, K::Fd>, source: Option<&K::Fd>) -> Step<(K::Fd, MountKey)> {
        let path = self.calls.fd_path(&target.file)?;
        let mounted = self.calls.openat(At::Cwd, &path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?;
        let stat = self.stat_fd(&mounted, self.file_and_mount())?;
        if !self.is_what_was_mounted(&stat, target, source)? {
            return Err(Fault::new(Call::Openat, Errno::ESTALE));
        }
        let found = self.mount_of_pinned(&mounted)?;
        if !found.is_root || found.mount.parent != self.mount_of_pinned(&target.file)?.mount.id {
            return Err(Fault::new(Call::Openat, Errno::ESTALE));
        }
        Ok((mounted, found.mount.key()))
    }

    pub(crate) fn file_and_mount(&self) -> u32 {
        self.identity_mask() | STATX_TYPE | STATX_INO
    }

    /// Returns the stat of the target's name.
    pub(crate) fn stat_shown(&self, target: &Target<'_, K::Fd>) -> Step<Stat> {
        let flags = AT_SYMLINK_NOFOLLOW | QUIETLY;
        match &target.named {
            Some(Named::Beneath(parent, name)) => {
                self.calls.statx(At::Fd(parent), name.as_ref(), flags, self.file_and_mount())
            }
            Some(Named::InRoot(root, path)) => self.stat_fd(&self.in_root(root, path, O_PATH)?, self.file_and_mount()),
            None => self.calls.statx(At::Cwd, &self.calls.fd_path(&target.file)?, flags, self.file_and_mount()),
        }
    }

    /// Returns true if this is the source's own file, on another mount than the target as far as statx reports it.
    fn is_what_was_mounted(&self, stat: &Stat, target: &Target<'_, K::Fd>, source: Option<&K::Fd>) -> Step<bool> {
        let beneath = self.stat_fd(&target.file, self.file_and_mount())?;
        let off_target = match mount_key(stat) {
            Some(mount) => mount_key(&beneath) != Some(mount),
            None => source.is_some() || !same_file(stat, &beneath),
        };
        match source {
            Some(source) => Ok(off_target && same_file(stat, &self.stat_fd(source, self.file_and_mount())?)),
            None => Ok(off_target),
        }
    }
}

pub(crate) fn same_file(one: &Stat, other: &Stat) -> bool {
    (one.device, one.inode) == (other.device, other.inode)
}
