//! A look-up in a root directory, one component at a time.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mountwright_core::file::FilesystemMagic;
use mountwright_core::mount::TreeForm;
use mountwright_core::{Errno, MountFlags};

use crate::backend::LinuxBackend;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, S_IFLNK, STATX_MODE, STATX_SIZE, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Stat};

/// The symlinks that the kernel follows in one look-up.
const MOST_LINKS: u32 = 40;
/// The directories that stay open for a `..`; those above them are opened again by their names.
const KEPT: usize = 64;
/// fstatfs's flag of a mount with `nosymfollow` (`ST_NOSYMFOLLOW` of the kernel).
const ST_NOSYMFOLLOW: u32 = 0x2000;

/// One component of a path.
pub(crate) struct Part {
    pub(crate) name: OsString,
    /// True if no other component follows.
    pub(crate) last: bool,
    /// True if a slash follows, so that a symlink is followed and anything but a directory is `ENOTDIR`.
    pub(crate) slash: bool,
}

/// The result of one component.
pub(crate) enum Stepped<Fd> {
    /// More follows.
    On,
    /// The name does not exist in the directory that was reached.
    Missing(Part, Fault),
    /// The end of the path.
    End(Fd),
}

/// A directory on the way from the root.
struct Level<Fd> {
    name: OsString,
    /// `None`: it lies more than [`KEPT`] directories above, and was closed.
    dir: Option<Arc<Fd>>,
}

/// A look-up in progress. No call of it leads out of the root: each opens one name in a directory that was reached by names
/// alone, and `..` returns to the directory before instead of the one that holds this directory now.
pub(crate) struct RootWalk<'b, K: Kernel> {
    backend: &'b LinuxBackend<K>,
    root: Arc<K::Fd>,
    way: Vec<Level<K::Fd>>,
    rest: Vec<u8>,
    links: u32,
}

impl<'b, K: Kernel> RootWalk<'b, K> {
    pub(crate) fn new(backend: &'b LinuxBackend<K>, root: Arc<K::Fd>, path: &Path) -> Self {
        Self { backend, root, way: Vec::new(), rest: path.as_os_str().as_bytes().to_vec(), links: 0 }
    }

    /// The directory that was reached.
    pub(crate) fn dir(&self) -> &Arc<K::Fd> {
        self.way.last().and_then(|level| level.dir.as_ref()).unwrap_or(&self.root)
    }

    /// Its path below the root, without symlinks.
    pub(crate) fn reached(&self) -> PathBuf {
        self.way.iter().map(|level| &level.name).collect()
    }

    /// Returns true if a `..` is among the components that follow.
    pub(crate) fn goes_up(&self) -> bool {
        self.rest.split(|&byte| byte == b'/').any(|name| name == b"..")
    }

    /// Takes one component. A symlink's text takes its place.
    pub(crate) fn step(&mut self, flags: u32) -> Step<Stepped<K::Fd>> {
        let Some(part) = self.next_part() else { return self.here(flags).map(Stepped::End) };
        if part.name != "." && part.name != ".." {
            return self.name(part, flags);
        }
        // The kernel looks these up as it does names: the directory must be searchable.
        self.here(O_PATH)?;
        if part.name == ".." {
            self.up()?;
        }
        if part.last { self.here(flags).map(Stepped::End) } else { Ok(Stepped::On) }
    }

    fn next_part(&mut self) -> Option<Part> {
        let bytes = self.rest.as_slice();
        let start = bytes.iter().position(|&byte| byte != b'/')?;
        let end = bytes[start..].iter().position(|&byte| byte == b'/').map_or(bytes.len(), |length| start + length);
        let name = OsStr::from_bytes(&bytes[start..end]).to_owned();
        let last = bytes[end..].iter().all(|&byte| byte == b'/');
        let part = Part { name, last, slash: end < bytes.len() };
        self.rest.drain(..end);
        Some(part)
    }

    /// Opens the directory that was reached once more.
    fn here(&self, flags: u32) -> Step<K::Fd> {
        self.backend.calls.openat(At::Fd(&**self.dir()), ".".as_ref(), flags | O_DIRECTORY | O_CLOEXEC, 0)
    }

    fn name(&mut self, part: Part, flags: u32) -> Step<Stepped<K::Fd>> {
        let directory = !part.last || part.slash || flags & O_DIRECTORY != 0;
        if directory {
            let flags = if part.last { flags } else { O_PATH };
            match self.open(&part, flags | O_DIRECTORY) {
                Ok(file) if part.last => return Ok(Stepped::End(file)),
                Ok(dir) => {
                    self.enter(part.name, dir);
                    return Ok(Stepped::On);
                }
                Err(fault) if fault.errno() == Errno::ENOTDIR => {}
                Err(fault) => return missing(part, fault),
            }
        }
        let file = match self.open(&part, O_PATH) {
            Ok(file) => file,
            Err(fault) => return missing(part, fault),
        };
        let is_link = kind(&self.backend.stat_fd(&file, STATX_TYPE)?) == S_IFLNK;
        if is_link && (!part.last || part.slash || flags & O_NOFOLLOW == 0) {
            return self.follow(&file).map(|()| Stepped::On);
        }
        if directory { Err(Fault::new(Call::Openat, Errno::ENOTDIR)) } else { Ok(Stepped::End(file)) }
    }

    fn open(&self, part: &Part, flags: u32) -> Step<K::Fd> {
        self.backend.calls.openat(At::Fd(&**self.dir()), part.name.as_ref(), flags | O_NOFOLLOW | O_CLOEXEC, 0)
    }

    /// Enters a directory that was opened in the one that was reached.
    pub(crate) fn enter(&mut self, name: OsString, dir: K::Fd) {
        self.way.push(Level { name, dir: Some(Arc::new(dir)) });
        if let Some(above) = self.way.len().checked_sub(KEPT + 1) {
            self.way[above].dir = None;
        }
    }

    fn up(&mut self) -> Step<()> {
        self.way.pop();
        match self.way.last() {
            Some(Level { dir: None, .. }) => self.open_again().map_err(|fault| match fault.errno() {
                // Another process has renamed a directory on the way.
                Errno::ENOENT | Errno::ENOTDIR => fault.saying(Errno::EAGAIN),
                _ => fault,
            }),
            _ => Ok(()),
        }
    }

    /// Opens the directories on the way again, and keeps the last ones.
    fn open_again(&mut self) -> Step<()> {
        let closed = self.way.len().saturating_sub(KEPT);
        let mut dir = Arc::clone(&self.root);
        for (index, level) in self.way.iter_mut().enumerate() {
            let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
            dir = Arc::new(self.backend.calls.openat(At::Fd(&*dir), level.name.as_ref(), flags, 0)?);
            if index >= closed {
                level.dir = Some(Arc::clone(&dir));
            }
        }
        Ok(())
    }

    /// Puts a symlink's text before the components that follow.
    fn follow(&mut self, link: &K::Fd) -> Step<()> {
        let refused = || Fault::new(Call::Openat, Errno::ELOOP);
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(refused());
        }
        let home = self.home_of_link(link)?;
        if home.follows_none {
            return Err(refused());
        }
        let text = self.backend.calls.readlinkat(At::Fd(link), "".as_ref())?;
        let text = text.as_os_str().as_bytes();
        if home.is_procfs && is_magic(&self.backend.stat_fd(link, STATX_MODE | STATX_SIZE)?, text) {
            return Err(refused());
        }
        if text.starts_with(b"/") {
            self.way.clear();
        }
        self.rest.splice(..0, text.iter().copied());
        Ok(())
    }

    fn home_of_link(&self, link: &K::Fd) -> Step<Home> {
        if self.backend.tree().is_some_and(|tree| tree.form == TreeForm::Detached) {
            // Neither statmount nor the mount table shows a mount of a detached tree. fstatfs may ask a server.
            let (magic, flags) = self.backend.calls.fstatfs(link)?;
            let is_procfs = FilesystemMagic(magic) == FilesystemMagic::PROC;
            return Ok(Home { follows_none: flags & ST_NOSYMFOLLOW != 0, is_procfs });
        }
        let mount = self.backend.mount_info(self.backend.mount_of_fd(link)?).map_err(|fault| match fault.errno() {
            // Another process has unmounted it.
            Errno::ENOENT => fault.saying(Errno::EAGAIN),
            _ => fault,
        })?;
        let follows_none = mount.attributes.flags.contains(MountFlags::NO_SYMLINK_FOLLOW);
        Ok(Home { follows_none, is_procfs: mount.fs_type == "proc" })
    }
}

/// The mount that a symlink is on.
struct Home {
    /// True if no symlink on it may be followed.
    follows_none: bool,
    is_procfs: bool,
}

fn missing<Fd>(part: Part, fault: Fault) -> Step<Stepped<Fd>> {
    if fault.errno() == Errno::ENOENT { Ok(Stepped::Missing(part, fault)) } else { Err(fault) }
}

/// Returns true for a symlink of procfs that is more than its text. The size of any other is the length of its text, but
/// for `self` and `thread-self`, which are a process id.
fn is_magic(stat: &Stat, text: &[u8]) -> bool {
    let is_whole = stat.size == text.len() as u64 && stat.mode & 0o777 == 0o777;
    !is_whole && !text.first().is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_link_of_procfs_is_known_by_its_text_size_and_mode() {
        let link = |mode: u16, size: u64| Stat { mode, size, ..Stat::default() };
        for (mode, size, text) in [(0o777, 0, "12"), (0o777, 0, "12/task/12"), (0o777, 11, "self/mounts")] {
            assert!(!is_magic(&link(mode, size), text.as_bytes()), "{text}");
        }
        // The last one is a descriptor of a file whose path is as long as the size of all such links.
        let long = format!("/{}", "n".repeat(63));
        for (mode, size, text) in
            [(0o777, 0, "/"), (0o777, 0, "mnt:[402653]"), (0o700, 64, "socket:[7]"), (0o500, 64, long.as_str())]
        {
            assert!(is_magic(&link(mode, size), text.as_bytes()), "{text}");
        }
    }
}
