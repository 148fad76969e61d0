//! Unmounting.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::mount::{MountSubtree, UnmountMode};
use mountwright_core::{Errno, Location, MountKey, Propagation, Recursion, UnmountRequest};

use crate::backend::LinuxBackend;
use crate::resolve::identity::{QUIETLY, kind, mount_key, mount_root};
use crate::resolve::location::{Place, without_end_slashes};
use crate::syscalls::abi::{
    AT_SYMLINK_NOFOLLOW, MNT_DETACH, MNT_EXPIRE, MNT_FORCE, O_CLOEXEC, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE, STATX_TYPE, UMOUNT_NOFOLLOW,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Reach, Stat};

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
        let place = match (request.at(), request.has_whole_path()) {
            (Location::Trusted(mount_point), true) => self.place_of_any_length(mount_point)?,
            // The root itself: a name in the directory above it.
            (Location::InRoot { root, path }, _)
                if without_end_slashes(&Path::new("/").join(path)) == Path::new("/") =>
            {
                self.trusted_place(root)?
            }
            (at, _) if request.expected().is_none() && !request.is_apart() => self.place_for_one_call(at)?,
            (at, _) => self.place(at)?,
        };
        let shown = request.at().for_display();
        let apart = request.is_apart().then_some(shown.as_path());
        let wanted = Wanted { mount: request.expected(), shows: request.shows(), apart };
        self.unmount_wanted(&place, request.mode(), &wanted)
    }

    /// Unmounts the mount at a name; with `only`, that mount alone.
    pub(crate) fn unmount_place(
        &self,
        place: &Place<'_, K::Fd>,
        mode: UnmountMode,
        only: Option<MountKey>,
    ) -> Step<()> {
        self.unmount_wanted(place, mode, &Wanted { mount: only, shows: None, apart: None })
    }

    fn unmount_wanted(&self, place: &Place<'_, K::Fd>, mode: UnmountMode, wanted: &Wanted<'_>) -> Step<()> {
        let bits = bits(mode);
        match (mode, wanted) {
            // A check of the mount counts as use and would clear the `MNT_EXPIRE` mark. A descriptor would make a mount
            // busy that is not unmounted lazily.
            (UnmountMode::Expire, Wanted { mount: Some(_), .. })
            | (UnmountMode::Plain | UnmountMode::Force | UnmountMode::Expire, Wanted { apart: Some(_), .. }) => {
                Err(Fault::new(Call::Umount2, Errno::EOPNOTSUPP))
            }
            (
                UnmountMode::Detach | UnmountMode::ForceDetach,
                Wanted { mount: Some(_), .. } | Wanted { apart: Some(_), .. },
            ) => self.unmount_pinned(place, bits, wanted),
            (_, Wanted { mount: Some(expected), .. }) => self.unmount_looked_at(place, bits, *expected, wanted.shows),
            (_, Wanted { mount: None, .. }) => self.unmount_by_name(place, bits),
        }
    }

    /// Unmounts by directory and name: an open descriptor of the mount would make it busy.
    fn unmount_by_name(&self, place: &Place<'_, K::Fd>, bits: u32) -> Step<()> {
        let target = match place.reach() {
            Reach::Path(path) => Reach::Path(without_end_slashes(path)),
            other => other,
        };
        let result = self.calls.umount2(target, bits | UMOUNT_NOFOLLOW);
        // For a symlink the kernel reports that nothing is mounted on it.
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

    /// Unmounts lazily, by a descriptor of the mount that was checked: whatever its name leads to by then, no mount
    /// elsewhere is unmounted. Only a mount that another process attaches over it at this moment is unmounted instead.
    fn unmount_pinned(&self, place: &Place<'_, K::Fd>, bits: u32, wanted: &Wanted<'_>) -> Step<()> {
        let mount = self.pin_name(place)?;
        let seen = self.seen_through(&mount, wanted.mount)?;
        expect(seen, wanted.mount)?;
        if let Some(shows) = wanted.shows {
            self.expect_subtree(shows, || self.stat_fd(&mount, self.identity_mask()))?;
        }
        if wanted.apart.is_some() {
            self.propagate(&mount, Propagation::Private, Recursion::Tree)?;
        }
        let unmounted = self.calls.umount2(Reach::Descriptor(&mount), bits);
        unmounted.map_err(|fault| match wanted.apart {
            Some(at) => fault.leaving(Leftover::Attributes { at: at.into() }),
            None => fault,
        })
    }

    /// Refuses a mount of another filesystem, or of another subtree of it, where the kernel has `statmount(2)`. Older
    /// kernels list both only in the mount table, and reading it for every mount is quadratic: there the id alone
    /// decides.
    fn expect_subtree(&self, shows: &MountSubtree, look: impl FnOnce() -> Step<Stat>) -> Step<()> {
        if !self.uses(Call::Statmount) {
            return Ok(());
        }
        let Some(MountKey::Unique(id)) = mount_key(&look()?) else { return Ok(()) };
        let found = self.subtree(id)?;
        let deleted =
            || [shows.root.as_os_str().as_bytes(), b"//deleted"].concat() == found.root.as_os_str().as_bytes();
        if found.device == shows.device && (found.root == shows.root || deleted()) {
            return Ok(());
        }
        Err(Fault::new(Call::Statmount, Errno::ESTALE))
    }

    /// Unmounts by name after a check, not lazily: an open descriptor would make the mount busy. The name of a mount
    /// point cannot be exchanged within its own mount namespace, but it can from another one. With unique ids a second
    /// check finds that another mount was unmounted.
    fn unmount_looked_at(
        &self,
        place: &Place<'_, K::Fd>,
        bits: u32,
        expected: MountKey,
        shows: Option<&MountSubtree>,
    ) -> Step<()> {
        let name = without_end_slashes(place.name());
        let stat = self.calls.statx(place.dir(), name, AT_SYMLINK_NOFOLLOW | QUIETLY, mask_for(expected))?;
        let seen = match (mount_key(&stat), mount_root(&stat)) {
            (Some(mount), Some(is_root)) => Seen { is_link: kind(&stat) == S_IFLNK, mount, is_root },
            // Before 5.8 the check needs a descriptor; it is closed before the unmount.
            _ => self.seen_through(&self.pin_name(place)?, Some(expected))?,
        };
        let seen = Seen { mount: self.as_expected(seen.mount, expected)?, ..seen };
        expect(seen, Some(expected))?;
        if let Some(shows) = shows {
            let flags = AT_SYMLINK_NOFOLLOW | QUIETLY;
            self.expect_subtree(shows, || self.calls.statx(place.dir(), name, flags, self.identity_mask()))?;
        }
        self.unmount_by_name(place, bits)?;
        match expected {
            MountKey::Unique(_) if self.uses(Call::Statmount) && !self.is_gone(expected)? => {
                Err(Fault::new(Call::Umount2, Errno::ESTALE))
            }
            _ => Ok(()),
        }
    }

    /// Checks that a descriptor is of the root of this mount.
    pub(crate) fn expect_mount(&self, file: &K::Fd, mount: MountKey) -> Step<()> {
        expect(self.seen_through(file, Some(mount))?, Some(mount))
    }

    fn pin_name(&self, place: &Place<'_, K::Fd>) -> Step<K::Fd> {
        let name = without_end_slashes(place.name());
        self.calls.openat(place.dir(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    }

    /// Returns the identity of a descriptor's file, with a mount key of the expected kind if the kernel reports one.
    fn seen_through(&self, file: &K::Fd, expected: Option<MountKey>) -> Step<Seen> {
        let stat = self.stat_fd(file, expected.map_or(self.identity_mask(), mask_for))?;
        let is_link = kind(&stat) == S_IFLNK;
        let mount = match mount_key(&stat) {
            Some(mount) => mount,
            None => self.mount_in_fdinfo(file)?,
        };
        let mount = expected.map_or(Ok(mount), |expected| self.as_expected(mount, expected))?;
        let is_root = match mount_root(&stat) {
            Some(is_root) => is_root,
            None => !is_link && self.mount_of_pinned(file)?.is_root,
        };
        Ok(Seen { is_link, mount, is_root })
    }
}

/// The mount that may be unmounted, and the way it is unmounted.
struct Wanted<'a> {
    mount: Option<MountKey>,
    shows: Option<&'a MountSubtree>,
    /// If set, the mount is made private first; the path is for a failure in between.
    apart: Option<&'a Path>,
}

/// The file that a name leads to.
#[derive(Clone, Copy)]
struct Seen {
    is_link: bool,
    mount: MountKey,
    is_root: bool,
}

fn expect(seen: Seen, expected: Option<MountKey>) -> Step<()> {
    let refused = match seen {
        Seen { is_link: true, .. } => Errno::ELOOP,
        Seen { is_root: false, .. } => Errno::EINVAL,
        Seen { mount, .. } if expected.is_some_and(|expected| expected != mount) => Errno::ESTALE,
        Seen { .. } => return Ok(()),
    };
    Err(Fault::new(Call::Statx, refused))
}

/// Returns the statx mask for a comparison with a key of this kind.
fn mask_for(expected: MountKey) -> u32 {
    match expected {
        MountKey::Unique(_) => STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE,
        MountKey::Reused(_) => STATX_TYPE | STATX_MNT_ID,
    }
}
