//! The staging directory, in which a mount is prepared where the kernel has no detached mounts.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::path::printable;
use mountwright_core::{Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::files::temp_name::{MOST_NAMES, passing_name};
use crate::syscalls::abi::{
    AT_REMOVEDIR, LOCK_EX, LOCK_NB, MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, O_CLOEXEC,
    O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY, UMOUNT_NOFOLLOW,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach};

/// A small private tmpfs on a directory of its own. What is mounted in it propagates nowhere, and only its owner can
/// look into it.
///
/// The tmpfs is on `root` in a directory that this process keeps locked: while the process lives, no other process
/// removes the directory as an orphan.
pub(crate) struct Staging<Fd> {
    parent: Fd,
    name: OsString,
    locked: Fd,
    pub(crate) root: Fd,
}

/// The purpose in the names of staging directories.
pub(crate) const PURPOSE: &str = "staging";
/// The directory that the tmpfs is on.
pub(crate) const ROOT: &str = "root";
/// The source of the tmpfs, by which it is recognized.
pub(crate) const SOURCE: &str = "mountwright";
/// The one name in it.
const PLACE: &str = "place";

/// Returns true for a lasting errno: the parent is missing or read-only, mounting is not permitted, or there is no
/// tmpfs.
fn rules_staging_out(errno: Errno) -> bool {
    let lasting = [
        Errno::ENOENT,
        Errno::ENOTDIR,
        Errno::ELOOP,
        Errno::EROFS,
        Errno::EPERM,
        Errno::ENODEV,
        Errno::ENOSYS,
        Errno::EOPNOTSUPP,
        Errno::EEXIST,
        Errno::EAGAIN,
    ];
    lasting.contains(&errno)
}

impl<K: Kernel> LinuxBackend<K> {
    /// `None`: no staging directory is possible here. An error: an incomplete one could not be removed, or none could
    /// be made now (descriptors, memory, space, permission), which says nothing about the kernel.
    pub(crate) fn enter_staging(&self) -> Step<Option<Staging<K::Fd>>> {
        match self.make_staging() {
            Ok(staging) => Ok(Some(staging)),
            Err(fault) if fault.leaves_nothing() && rules_staging_out(fault.errno()) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The reason why no staging directory can be made, as another attempt shows it.
    pub(crate) fn why_no_staging(&self) -> Option<String> {
        match self.make_staging() {
            Err(fault) => Some(format!("no staging directory in {} ({})", printable(self.staging()), fault.errno())),
            Ok(Staging { parent, name, locked, root }) => {
                let _ = self.clear_staging(&parent, &name, &locked, Some(root));
                None
            }
        }
    }

    fn make_staging(&self) -> Step<Staging<K::Fd>> {
        let parent = self.open_root(self.staging())?;
        let (name, locked) = self.staging_directory(&parent)?;
        self.reclaim_staging_once(&parent, &locked);
        match self.mount_staging(&locked) {
            Ok(root) => Ok(Staging { parent, name, locked, root }),
            Err(fault) => Err(match self.clear_staging(&parent, &name, &locked, None) {
                Ok(()) => fault,
                Err(stays) => fault.leaving_what(stays),
            }),
        }
    }

    /// Creates a directory with a new name and locks it.
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
                Ok(Some(locked)) => return Ok((name, locked)),
                // Another process took it for an orphan before it was locked.
                Ok(None) => refused = Fault::new(Call::Flock, Errno::EAGAIN),
                Err(fault) if fault.errno() == Errno::ENOENT => refused = fault,
                Err(fault) => {
                    let removed = self.calls.unlinkat(At::Fd(parent), name.as_ref(), AT_REMOVEDIR);
                    let at = || Leftover::Directory(self.staging().join(&name));
                    return Err(if removed.is_ok() { fault } else { fault.leaving(at()) });
                }
            }
        }
        Err(refused)
    }

    /// Locks a staging directory and creates its `root`. `None`: another process has locked it.
    fn lock_and_furnish(&self, parent: &K::Fd, name: &OsStr) -> Step<Option<K::Fd>> {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        let locked = self.calls.openat(At::Fd(parent), name.as_ref(), flags, 0)?;
        match self.calls.flock(&locked, LOCK_EX | LOCK_NB) {
            Err(fault) if fault.errno() == Errno::EAGAIN => return Ok(None),
            Ok(()) => {}
            // Without locks nothing is reclaimed.
            Err(fault) if matches!(fault.errno(), Errno::ENOSYS | Errno::EOPNOTSUPP) => {}
            // Unlocked, another backend would take it for an orphan.
            Err(fault) => return Err(fault),
        }
        self.calls.mkdirat(At::Fd(&locked), ROOT.as_ref(), 0o700)?;
        Ok(Some(locked))
    }

    /// The directory that the tmpfs is on or, once it is, its root.
    fn staging_root(&self, locked: &K::Fd) -> Step<K::Fd> {
        let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        self.calls.openat(At::Fd(locked), ROOT.as_ref(), flags, 0)
    }

    fn mount_staging(&self, locked: &K::Fd) -> Step<K::Fd> {
        let bare = self.staging_root(locked)?;
        self.calls.mount(
            Reach::Path(SOURCE.as_ref()),
            Reach::Descriptor(&bare),
            "tmpfs".as_ref(),
            MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0700,size=64k".as_ref(),
        )?;
        let root = self.staging_root(locked)?;
        self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE)?;
        Ok(root)
    }

    /// Removes the staging directory with everything that is still in it. If that fails, the operation fails: `undo`
    /// rolls its result back, and the error names what stays.
    pub(crate) fn leave_staging<T>(
        &self,
        staging: Staging<K::Fd>,
        result: Step<T>,
        undo: impl FnOnce(T, Fault) -> Fault,
    ) -> Step<T> {
        let Staging { parent, name, locked, root } = staging;
        // After a success the staged mount is elsewhere. An open root would make the tmpfs busy.
        let root = Some(root).filter(|_| result.is_err());
        match (result, self.clear_staging(&parent, &name, &locked, root)) {
            (result, Ok(())) => result,
            (Ok(done), Err(stays)) => Err(undo(done, stays)),
            (Err(fault), Err(stays)) => Err(fault.leaving_what(stays)),
        }
    }

    /// Removes a staging directory with the mount that is staged in it. An error names what stays.
    pub(crate) fn discard_staging(&self, staging: Staging<K::Fd>) -> Step<()> {
        let Staging { parent, name, locked, root } = staging;
        self.clear_staging(&parent, &name, &locked, Some(root))
    }

    /// Unmounts what is mounted in a staging directory and removes its directories. An error names what stays. `root`
    /// is given if a mount may be staged in it.
    pub(crate) fn clear_staging(&self, parent: &K::Fd, name: &OsStr, locked: &K::Fd, root: Option<K::Fd>) -> Step<()> {
        let place = self.staging().join(name);
        let unmounted = self.unmount_staging(locked, root);
        // A directory that can be removed has nothing mounted on it. Without privilege umount2 does not report that.
        let emptied = self.remove_gone(locked, ROOT.as_ref()).map_err(|stays| unmounted.err().unwrap_or(stays));
        emptied.map_err(|fault| self.still_in_staging(fault, locked, &place))?;
        self.remove_gone(parent, name).map_err(|fault| fault.leaving(Leftover::Directory(place)))
    }

    /// Removes a directory, if it is there.
    fn remove_gone(&self, dir: &K::Fd, name: &OsStr) -> Step<()> {
        match self.calls.unlinkat(At::Fd(dir), name.as_ref(), AT_REMOVEDIR) {
            Err(fault) if fault.errno() != Errno::ENOENT => Err(fault),
            _ => Ok(()),
        }
    }

    fn still_in_staging(&self, fault: Fault, locked: &K::Fd, place: &Path) -> Fault {
        let mounted = self.staging_root(locked).ok().filter(|root| self.is_mount_root(root).unwrap_or(false));
        let fault = match mounted.map(|root| self.mount_of_fd(&root)) {
            Some(Ok(mount)) => fault.leaving(Leftover::Mount { mount, at: place.join(ROOT) }),
            _ => fault,
        };
        fault.leaving(Leftover::Directory(place.join(ROOT))).leaving(Leftover::Directory(place.to_path_buf()))
    }

    /// Unmounts the tmpfs by its name, which only its owner can change. The staged mount is unmounted first and alone.
    /// If it has a mount on it or is in use, all are made private and unmounted together: a copy of a shared mount is a
    /// peer of its source, which would lose its mounts.
    fn unmount_staging(&self, locked: &K::Fd, root: Option<K::Fd>) -> Step<()> {
        let unmount = |flags| self.calls.umount2(Reach::Below(locked, ROOT.as_ref()), flags | UMOUNT_NOFOLLOW);
        if let Some(root) = root {
            let alone = self.unstage(&root);
            let apart = || self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE | MS_REC);
            if alone.is_err() && apart().is_ok() && self.calls.umount2(Reach::Descriptor(&root), MNT_DETACH).is_ok() {
                return Ok(());
            }
        }
        match unmount(0) {
            // Nothing is mounted there, or its owner was killed before the mount.
            Err(fault) if matches!(fault.errno(), Errno::EINVAL | Errno::ENOENT) => Ok(()),
            // Nothing is mounted in it, but a process uses it.
            Err(fault) if fault.errno() == Errno::EBUSY => {
                let root = self.staging_root(locked)?;
                self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE | MS_REC)?;
                self.calls.umount2(Reach::Descriptor(&root), MNT_DETACH)
            }
            other => other,
        }
    }

    /// Unmounts the staged mount, if there is one and nothing is mounted on it.
    pub(crate) fn unstage(&self, root: &K::Fd) -> Step<()> {
        match self.calls.umount2(Reach::Below(root, PLACE.as_ref()), UMOUNT_NOFOLLOW) {
            Err(fault) if matches!(fault.errno(), Errno::EINVAL | Errno::ENOENT) => Ok(()),
            other => other,
        }
    }

    /// Binds `source` in the staging directory, with `flags`, and pins the copy.
    pub(crate) fn stage(&self, staging: &Staging<K::Fd>, source: &K::Fd, flags: u32) -> Step<K::Fd> {
        let sort = self.sort_of(source)?;
        self.stage_at(staging, sort, |place| {
            self.calls.mount(Reach::Descriptor(source), place, "".as_ref(), flags, "".as_ref())
        })
    }

    /// Mounts something in the staging directory and pins it.
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
