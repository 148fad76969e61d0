//! Queries about mounts, none of which calls into the filesystem.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::file::{FilesystemMagic, FinalSymlink};
use mountwright_core::mount::{FilesystemOf, MountId, MountSubtree, PathMount, UniqueMountId};
use mountwright_core::{DeviceNumber, Errno, Location, MountInfo, MountKey, MountTable};

use crate::backend::LinuxBackend;
use crate::query::magic_by_type::magic_of_type;
use crate::query::mount_info::{EVERY_FIELD, info_of, missing_fields};
use crate::resolve::identity::{QUIETLY, kind, mount_key, mount_root};
use crate::syscalls::abi::{
    AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_DIRECTORY, O_PATH, S_IFLNK, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_ROOT,
    STATMOUNT_SB_BASIC,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, MountStat, Stat};

/// The highest number of look-ups of a path whose mount is unmounted each time before statmount is called.
const MOST_LOOKS: usize = 16;

/// The buffer size for statmount's strings at the first attempt; enough for all but the longest overlay options.
pub(crate) const ROOM: usize = 1024;
/// The highest buffer size: each of a mount's strings is less than a page or a path, options excepted.
const MOST_ROOM: usize = 1 << 20;

impl<K: Kernel> LinuxBackend<K> {
    /// Calls statx on a location, for its mount. Below a root the last component is not followed.
    fn look(&self, at: &Location) -> Step<Stat> {
        if let Location::InRoot { .. } = at {
            return self.stat_fd(&self.pin(at, FinalSymlink::Follow, 0)?, self.identity_mask());
        }
        let place = self.place_for_one_call(at)?;
        let follow = if matches!(at, Location::Beneath { .. }) { AT_SYMLINK_NOFOLLOW } else { 0 };
        let stat = self.calls.statx(place.dir(), place.name(), QUIETLY | follow, self.identity_mask())?;
        if follow != 0 && kind(&stat) == S_IFLNK {
            return Err(Fault::new(Call::Statx, Errno::ELOOP));
        }
        Ok(stat)
    }

    /// Looks a location up and queries its mount by unique id, without keeping a descriptor open. `ask` gets whether
    /// the location is the mount's root. `None`: this kernel cannot do it.
    fn by_unique_id<T>(&self, at: &Location, ask: impl Fn(UniqueMountId, bool) -> Step<T>) -> Step<Option<T>> {
        if !self.uses(Call::Statmount) {
            return Ok(None);
        }
        let mut gone = None;
        for _ in 0..MOST_LOOKS {
            let stat = match self.look(at) {
                // The filesystem's server may refuse this user: a descriptor can still be opened.
                Err(fault) if fault.errno() == Errno::EACCES => return Ok(None),
                other => other?,
            };
            let (Some(MountKey::Unique(id)), Some(is_root)) = (mount_key(&stat), mount_root(&stat)) else {
                return Ok(None);
            };
            match ask(id, is_root) {
                Ok(answer) => return Ok(Some(answer)),
                // Unmounted between the two calls: retry. The same id twice is a mount that is in no namespace any
                // longer.
                Err(fault) if fault.errno() == Errno::ENOENT && gone != Some(id) => gone = Some(id),
                Err(fault) => return Err(fault),
            }
        }
        // The mount was unmounted at each look-up: the caller opens a descriptor, which keeps the mount.
        Ok(None)
    }

    pub(crate) fn path_mount(&self, at: &Location) -> Step<PathMount> {
        match self.by_unique_id(at, |id, is_root| Ok(PathMount { mount: self.unique_mount(id)?, is_root }))? {
            Some(found) => Ok(found),
            None => self.mount_of_pinned(&self.pin(at, FinalSymlink::Follow, 0)?),
        }
    }

    /// Returns the mount of an open descriptor. The descriptor keeps the mount, so that its id is not reused.
    pub(crate) fn mount_of_pinned(&self, file: &K::Fd) -> Step<PathMount> {
        let stat = self.stat_fd(file, self.identity_mask())?;
        let key = match mount_key(&stat) {
            Some(key) => key,
            None => self.mount_of_fd(file)?,
        };
        let mount = self.mount_info(key)?;
        let is_root = match mount_root(&stat) {
            Some(is_root) => is_root,
            // Before 5.8: it is the root of its mount if the kernel reports the same path for both.
            None => match self.calls.fd_path(file) {
                Ok(path) => is_path_of_root(&path, &mount.mount_point),
                // A longer path cannot be read. The parent of a mount's root is on another mount.
                Err(fault) if fault.errno() == Errno::ENAMETOOLONG => {
                    let above = self.calls.openat(At::Fd(file), "..".as_ref(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0)?;
                    self.mount_of_fd(&above)? != key
                }
                Err(fault) => return Err(fault),
            },
        };
        Ok(PathMount { mount, is_root })
    }

    /// Returns true if an open descriptor is the root of a mount.
    pub(crate) fn is_mount_root(&self, file: &K::Fd) -> Step<bool> {
        match mount_root(&self.stat_fd(file, self.identity_mask())?) {
            Some(is_root) => Ok(is_root),
            None => Ok(self.mount_of_pinned(file)?.is_root),
        }
    }

    pub(crate) fn filesystem(&self, at: &Location) -> Step<FilesystemOf> {
        let ask = |id, is_root| {
            let answer = self.ask(id, STATMOUNT_SB_BASIC.into(), 0)?;
            let device = DeviceNumber::new(answer.device.0, answer.device.1);
            Ok(filesystem_at(magic(&answer), device, is_root))
        };
        if let Some(found) = self.by_unique_id(at, ask)? {
            return Ok(found);
        }
        self.filesystem_of_pinned(&self.pin(at, FinalSymlink::Follow, 0)?)
    }

    pub(crate) fn filesystem_of_pinned(&self, file: &K::Fd) -> Step<FilesystemOf> {
        let found = self.mount_of_pinned(file)?;
        let magic = match magic_of_type(&found.mount.fs_type) {
            Some(magic) => magic,
            // A type with an unknown number: fstatfs, which is called for no network filesystem.
            None => FilesystemMagic(self.calls.fstatfs(file)?.0),
        };
        Ok(filesystem_at(magic, found.mount.device, found.is_root))
    }

    pub(crate) fn mount_info(&self, mount: MountKey) -> Step<MountInfo> {
        match mount {
            MountKey::Unique(id) if self.uses(Call::Statmount) => self.unique_mount(id),
            MountKey::Unique(_) => Err(Fault::new(Call::Statmount, Errno::EOPNOTSUPP)),
            MountKey::Reused(id) => self.table_row(id),
        }
    }

    /// Returns one row of the table, for kernels without a better call.
    fn table_row(&self, id: MountId) -> Step<MountInfo> {
        let table = self.table()?;
        table.by_id(id).map(|row| row.to_info()).ok_or(Fault::new(Call::Mountinfo, Errno::ENOENT))
    }

    pub(crate) fn table(&self) -> Step<MountTable> {
        Ok(MountTable::parse(self.calls.mountinfo()?))
    }

    fn unique_mount(&self, id: UniqueMountId) -> Step<MountInfo> {
        let answer = self.ask(id, EVERY_FIELD, ROOM)?;
        let seen = self.found().statmount_fields.add(answer.mask);
        if missing_fields(&answer, seen) == 0 {
            return Ok(info_of(answer));
        }
        // Before 6.13 statmount does not know all fields: the rest comes from the table, by the classic id, which is
        // valid while the mount exists.
        let mut info = self.table_row(MountId(answer.old_id))?;
        self.ask(id, STATMOUNT_SB_BASIC.into(), 0)?;
        info.unique_id = Some(id);
        Ok(info)
    }

    /// Returns the subtree of a filesystem that a mount shows.
    pub(crate) fn subtree(&self, id: UniqueMountId) -> Step<MountSubtree> {
        let fields = u64::from(STATMOUNT_SB_BASIC | STATMOUNT_MNT_ROOT);
        let answer = self.ask(id, fields, ROOM)?;
        if answer.mask & fields != fields {
            return Ok(MountSubtree::from(&self.unique_mount(id)?));
        }
        Ok(MountSubtree { device: DeviceNumber::new(answer.device.0, answer.device.1), root: answer.root.into() })
    }

    /// The mount's relations alone, without a string.
    pub(crate) fn relations(&self, id: UniqueMountId) -> Step<MountStat> {
        self.ask(id, STATMOUNT_MNT_BASIC.into(), 0)
    }

    /// Calls statmount with a buffer that grows until the strings fit.
    pub(crate) fn ask(&self, id: UniqueMountId, mask: u64, mut room: usize) -> Step<MountStat> {
        loop {
            match self.calls.statmount(id.0.get(), mask, room) {
                Err(fault) if fault.errno() == Errno::EOVERFLOW && room < MOST_ROOM => room = (room * 4).max(ROOM),
                other => return other,
            }
        }
    }
}

/// Returns true if the path of a descriptor is that of its mount. The kernel appends ` (deleted)` if the directory was
/// removed, as it does for a mount of one. No other file of the mount has such a path: theirs continue with a slash.
fn is_path_of_root(path: &Path, mount_point: &Path) -> bool {
    let (path, mount_point) = (path.as_os_str().as_bytes(), mount_point.as_os_str().as_bytes());
    path == mount_point || (mount_point != b"/" && path.strip_prefix(mount_point) == Some(b" (deleted)"))
}

fn filesystem_at(magic: FilesystemMagic, device: DeviceNumber, is_mount_root: bool) -> FilesystemOf {
    let mut found = FilesystemOf::new(magic, device);
    found.is_mount_root = is_mount_root;
    found
}

fn magic(answer: &MountStat) -> FilesystemMagic {
    // Every magic number has 32 bits; the field is wider.
    FilesystemMagic(u32::try_from(answer.magic & u64::from(u32::MAX)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_of_a_mount_has_its_path_also_when_it_was_removed() {
        let is_root = |path: &str, mount_point: &str| is_path_of_root(Path::new(path), Path::new(mount_point));
        assert!(is_root("/w/m", "/w/m") && is_root("/w/m (deleted)", "/w/m") && is_root("/", "/"));
        assert!(!is_root("/w/m/ (deleted)", "/w/m") && !is_root("/w/m/a", "/w/m") && !is_root("/ (deleted)", "/"));
    }
}
