//! A private place to make a mount ready in, where the kernel has no detached mounts.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use mountwright_core::{Errno, FileMode, Leftover};

use crate::LinuxBackend;
use crate::abi::{
    AT_REMOVEDIR, LOCK_EX, LOCK_NB, MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, O_CLOEXEC,
    O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, UMOUNT_NOFOLLOW,
};
use crate::created::Sort;
use crate::fault::{Fault, Step};
use crate::kernel::{At, Call, Kernel, Reach};
use crate::passing_name::{MOST_NAMES, passing_name};

/// A small private tmpfs on a directory of its own. What is mounted in it propagates nowhere, and only its owner can
/// look into it.
///
/// The tmpfs is on `root` in a directory that this process keeps locked: as long as it lives nobody takes the place away
/// as left behind.
pub(crate) struct Staging<Fd> {
    parent: Fd,
    name: OsString,
    locked: Fd,
    root: Fd,
}

/// What staging places are called, before a number.
pub(crate) const PURPOSE: &str = "staging";
/// The directory that the tmpfs is on.
pub(crate) const ROOT: &str = "root";
/// What the tmpfs says that it is made from.
pub(crate) const SOURCE: &str = "mountwright";
/// The one name in it.
const PLACE: &str = "place";

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn enter_staging(&self) -> Step<Staging<K::Fd>> {
        let parent = self.open_root(self.staging())?;
        let (name, locked) = self.staging_directory(&parent)?;
        self.reclaim_staging_once(&parent, &locked);
        match self.mount_staging(&locked) {
            Ok(root) => Ok(Staging { parent, name, locked, root }),
            Err(fault) => {
                let _ = self.clear_staging(&parent, &name, &locked, None);
                Err(fault)
            }
        }
    }

    /// Makes a directory that nobody else uses, and locks it.
    fn staging_directory(&self, parent: &K::Fd) -> Step<(OsString, K::Fd)> {
        let mut refused = Fault::new(Call::Mkdirat, Errno::EEXIST);
        for _ in 0..MOST_NAMES {
            let name = passing_name(PURPOSE);
            match self.calls.mkdirat(At::Fd(parent), name.as_ref(), 0o700) {
                Ok(()) => {}
                Err(fault) if fault.errno() == Errno::EEXIST => {
                    refused = fault;
                    continue;
                }
                Err(fault) => return Err(fault),
            }
            match self.lock_and_furnish(parent, &name) {
                Ok(locked) => return Ok((name, locked)),
                // Somebody took it for one that was left behind before it was locked.
                Err(fault) if matches!(fault.errno(), Errno::EAGAIN | Errno::ENOENT) => refused = fault,
                Err(fault) => {
                    let _ = self.calls.unlinkat(At::Fd(parent), name.as_ref(), AT_REMOVEDIR);
                    return Err(fault);
                }
            }
        }
        Err(refused)
    }

    fn lock_and_furnish(&self, parent: &K::Fd, name: &OsStr) -> Step<K::Fd> {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        let locked = self.calls.openat(At::Fd(parent), name.as_ref(), flags, 0)?;
        match self.calls.flock(&locked, LOCK_EX | LOCK_NB) {
            Err(fault) if fault.errno() == Errno::EAGAIN => return Err(fault),
            // Where there are no locks, nobody takes anything away.
            Ok(()) | Err(_) => {}
        }
        self.calls.mkdirat(At::Fd(&locked), ROOT.as_ref(), 0o700)?;
        Ok(locked)
    }

    fn mount_staging(&self, locked: &K::Fd) -> Step<K::Fd> {
        let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        let open = || self.calls.openat(At::Fd(locked), ROOT.as_ref(), flags, 0);
        let bare = open()?;
        self.calls.mount(
            Reach::Path(SOURCE.as_ref()),
            Reach::Descriptor(&bare),
            "tmpfs".as_ref(),
            MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0700,size=64k".as_ref(),
        )?;
        let root = open()?;
        self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE)?;
        Ok(root)
    }

    /// Takes the staging place away with all that is still in it. What cannot be taken away stays in a directory that only
    /// its owner can enter: after a failure it is named, after a success it is empty and worth a warning.
    pub(crate) fn leave_staging<T>(&self, staging: Staging<K::Fd>, result: Step<T>) -> Step<T> {
        let Staging { parent, name, locked, root } = staging;
        // What is still in it may be a copy of shared mounts: an unmount would be one at their source too.
        let apart = self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE | MS_REC);
        let cleared = apart.and_then(|()| self.clear_staging(&parent, &name, &locked, Some(root)));
        let Err(stays) = cleared else { return result };
        let at = self.staging().join(&name);
        tracing::warn!(subsystem = "mount", path = %at.display(), errno = %stays.errno(), "staging place stays");
        result.map_err(|fault| fault.leaving(Leftover::Directory(at)))
    }

    /// Takes off what is mounted in a staging place and removes its directories.
    pub(crate) fn clear_staging(&self, parent: &K::Fd, name: &OsStr, locked: &K::Fd, root: Option<K::Fd>) -> Step<()> {
        let by_name = || self.calls.umount2(Reach::Below(locked, ROOT.as_ref()), MNT_DETACH | UMOUNT_NOFOLLOW);
        let unmounted = match &root {
            // By the mount itself; and should that fail once, by its name, which only its owner can change.
            Some(root) => self.calls.umount2(Reach::Descriptor(root), MNT_DETACH).or_else(|_| by_name()),
            None => match by_name() {
                // Nothing is mounted there, or its owner did not come as far.
                Err(fault) if matches!(fault.errno(), Errno::EINVAL | Errno::ENOENT) => Ok(()),
                other => other,
            },
        };
        drop(root);
        unmounted?;
        match self.calls.unlinkat(At::Fd(locked), ROOT.as_ref(), AT_REMOVEDIR) {
            Err(fault) if fault.errno() != Errno::ENOENT => return Err(fault),
            _ => {}
        }
        self.calls.unlinkat(At::Fd(parent), name.as_ref(), AT_REMOVEDIR)
    }

    /// Binds `source` in the staging place, with `flags`, and pins the copy.
    pub(crate) fn stage(&self, staging: &Staging<K::Fd>, source: &K::Fd, flags: u32) -> Step<K::Fd> {
        let sort = self.sort_of(source)?;
        self.stage_at(staging, sort, |place| {
            self.calls.mount(Reach::Descriptor(source), place, "".as_ref(), flags, "".as_ref())
        })
    }

    /// Mounts something in the staging place and pins it.
    pub(crate) fn stage_at(
        &self,
        staging: &Staging<K::Fd>,
        sort: Sort,
        mount: impl FnOnce(Reach<'_, K::Fd>) -> Step<()>,
    ) -> Step<K::Fd> {
        let (dir, place) = (At::Fd(&staging.root), Path::new(PLACE));
        match sort {
            Sort::Directory => self.calls.mkdirat(dir, place, 0o700)?,
            Sort::File => drop(self.create_exclusively(dir, place, FileMode::from_bits(0o600))?),
        }
        mount(Reach::Below(&staging.root, place.as_os_str()))?;
        self.calls.openat(dir, place, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    }
}
