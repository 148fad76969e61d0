//! A world whose machine is set up and looked at by system calls, past the backend.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, Metadata};
use mountwright_core::{DeviceNumber, Errno, FileMode};
use mountwright_fake::abi;

use super::world::World;
use crate::machine::here;
use crate::scenario_runner::calls::ProcessCalls;

impl dyn World + '_ {
    /// Makes calls as the process of the backend.
    pub(super) fn call<T>(&self, act: impl FnOnce(&mut dyn ProcessCalls) -> T) -> T {
        let (mut act, mut result) = (Some(act), None);
        self.with_calls(&mut |calls| result = act.take().map(|act| act(calls)));
        result.expect("the calls were made")
    }

    /// Opens a path, and closes it after the act.
    fn opened<T>(
        &self,
        path: &Path,
        flags: u32,
        act: impl FnOnce(&mut dyn ProcessCalls, i32) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        self.call(|calls| {
            let fd = calls.openat(here(path), flags | abi::O_CLOEXEC, 0)?;
            let result = act(calls, fd);
            calls.close(fd)?;
            result
        })
    }

    /// getcwd(2), as the kernel reports it.
    pub(super) fn current_dir(&self) -> Result<PathBuf, Errno> {
        self.call(|calls| calls.getcwd()).map(|path| OsString::from_vec(path).into())
    }

    /// lstat(2).
    pub(super) fn stat(&self, path: &Path) -> Result<Metadata, Errno> {
        let found = self.call(|calls| calls.statx(here(path), abi::AT_SYMLINK_NOFOLLOW))?;
        let device = |(major, minor)| DeviceNumber::new(major, minor);
        let kind = file_kind(found.mode.into());
        let mut metadata = Metadata::new(kind, device(found.device), found.inode);
        if matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice) {
            metadata.represents = Some(device(found.represents));
        }
        metadata.mode = FileMode::from_bits(found.mode & 0o7777);
        (metadata.uid, metadata.gid) = found.owner;
        metadata.size = found.size;
        metadata.links = found.links.into();
        Ok(metadata)
    }

    /// The names in a directory, without `.` and `..`, sorted.
    pub(super) fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        let mut names = self.opened(path, abi::O_RDONLY | abi::O_DIRECTORY, |calls, fd| calls.names(fd))?;
        names.sort();
        Ok(names)
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        self.opened(path, abi::O_RDONLY, |calls, fd| calls.read(fd))
    }
}

fn file_kind(mode: u32) -> FileKind {
    match mode & abi::S_IFMT {
        abi::S_IFDIR => FileKind::Directory,
        abi::S_IFLNK => FileKind::Symlink,
        abi::S_IFBLK => FileKind::BlockDevice,
        abi::S_IFCHR => FileKind::CharacterDevice,
        abi::S_IFIFO => FileKind::Fifo,
        abi::S_IFSOCK => FileKind::Socket,
        _ => FileKind::Regular,
    }
}
