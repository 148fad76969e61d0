//! What the port to files does.

use std::path::{Path, PathBuf};

use mountwright_core::{Errno, FileMode, FinalLink, Location, Metadata};

use super::calls::{Calls, path_buf};
use super::fault::{Fault, Step};
use super::identity::{IDENTITY, QUIETLY};
use super::metadata::{kind, metadata};
use crate::At;
use crate::abi::{AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, O_PATH, S_IFLNK, STATX_BASIC_STATS};

impl Calls<'_> {
    pub(crate) fn metadata(&mut self, at: &Location, link: FinalLink) -> Step<Metadata> {
        let place = self.place_for_one_call(at)?;
        let beneath = matches!(at, Location::Beneath { .. });
        let follow = if beneath || link == FinalLink::Itself { AT_SYMLINK_NOFOLLOW } else { 0 };
        let stat = self.statx(place.at, &place.name, follow | AT_NO_AUTOMOUNT, STATX_BASIC_STATS)?;
        if beneath && link == FinalLink::Follow && kind(&stat) == S_IFLNK {
            return Err(Fault::new("statx", Errno::ELOOP));
        }
        Ok(metadata(&stat))
    }

    /// What the kernel calls the path, if that leads there again: a deleted file's path ends in `(deleted)`, and one that is
    /// covered since leads elsewhere.
    pub(crate) fn real_path(&mut self, path: &Path) -> Step<PathBuf> {
        let file = self.openat(At::Cwd, path, O_PATH, 0)?;
        let real = self.fd_path(file)?;
        let mask = STATX_BASIC_STATS | IDENTITY;
        let pinned = self.stat_fd(file, mask)?;
        let found = self.statx(At::Cwd, &real, AT_SYMLINK_NOFOLLOW | QUIETLY, mask)?;
        let same = |stat: &crate::Statx| (stat.dev_major, stat.dev_minor, stat.ino, stat.mnt_id);
        if same(&pinned) == same(&found) { Ok(real) } else { Err(Fault::new("statx", Errno::ENOENT)) }
    }

    pub(crate) fn current_dir(&mut self) -> Step<PathBuf> {
        let path = self.getcwd()?;
        // Outside this process's root there is `(unreachable)` before it.
        if path.is_absolute() { Ok(path) } else { Err(Fault::new("getcwd", Errno::ENOENT)) }
    }

    pub(crate) fn read_link(&mut self, at: &Location) -> Step<PathBuf> {
        let place = self.place_for_one_call(at)?;
        self.readlinkat(place.at, &place.name).map(path_buf)
    }

    pub(crate) fn create_dir(&mut self, at: &Location, mode: FileMode) -> Step<()> {
        let place = self.place(at)?;
        self.new_directory(place.at, &place.name, mode)
    }

    pub(crate) fn create_file(&mut self, at: &Location, mode: FileMode) -> Step<()> {
        let place = match at {
            // A slash at the end asks for a directory: the kernel's own refusal.
            Location::Trusted(path) if path.as_os_str().as_encoded_bytes().ends_with(b"/") => {
                self.place_for_one_call(at)?
            }
            _ => self.place(at)?,
        };
        self.new_file(place.at, &place.name, mode)
    }

    pub(crate) fn remove(&mut self, at: &Location, flags: u32) -> Step<()> {
        let place = self.place_for_one_call(at)?;
        self.unlinkat(place.at, &place.name, flags)
    }
}
