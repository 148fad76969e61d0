//! Copying what is in a directory into a new filesystem that is not visible yet.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::path::printable;
use mountwright_core::{DeviceNumber, Errno, MountRequest};

use crate::backend::LinuxBackend;
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY,
    O_WRONLY, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, STATX_BASIC_STATS,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach, Stat};

/// The highest number of names that are copied.
const MOST_NAMES: usize = 1 << 16;
/// The highest number of directories inside each other; two descriptors are open for each.
const MOST_LEVELS: usize = 64;
/// The buffer of a read, of a list of names and of an attribute; the longest attribute that the kernel stores.
const ROOM: usize = 1 << 16;

/// A copy in the making.
struct CopyUp<'a, K: Kernel> {
    backend: &'a LinuxBackend<K>,
    /// The root of the new filesystem.
    root: K::Fd,
    /// The first name of each file that has several, below the root, by its device and inode number.
    first_names: HashMap<((u32, u32), u64), PathBuf>,
    names: usize,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Copies what is in the directory `from` into the filesystem whose root is at `to`. The root gets the mode and the owner of
    /// the directory, unless an option of the request sets them.
    pub(crate) fn copy_up(&self, from: &K::Fd, to: &K::Fd, request: &MountRequest) -> Step<()> {
        let open = |file: &K::Fd| self.calls.openat(At::Fd(file), ".".as_ref(), READ_DIRECTORY, 0);
        let (source, root) = (open(from)?, open(to)?);
        let target = self.calls.openat(At::Fd(&root), ".".as_ref(), READ_DIRECTORY, 0)?;
        let mut copy = CopyUp { backend: self, root, first_names: HashMap::new(), names: 0 };
        copy.directory((&source, &target), Path::new(""), 0)?;
        let stat = self.stat_fd(&source, STATX_BASIC_STATS)?;
        let has = |key: &str| request.options.iter().any(|option| option.key == key);
        let owner = ((!has("uid")).then_some(stat.uid), (!has("gid")).then_some(stat.gid));
        let mode = (!has("mode")).then_some(stat.mode);
        copy.dress((&source, &target), owner, mode)
    }
}

const READ_DIRECTORY: u32 = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

impl<K: Kernel> CopyUp<'_, K> {
    fn directory(&mut self, (from, to): (&K::Fd, &K::Fd), path: &Path, level: usize) -> Step<()> {
        if level > MOST_LEVELS {
            return Err(Fault::new(Call::Openat, Errno::E2BIG).at_step("copy up (more than 64 levels of directories)"));
        }
        for name in self.names_in(from)? {
            let path = path.join(&name);
            self.entry((from, to), &name, (&path, level))
                .map_err(|fault| fault.because(Some(format!("the copy of {} in the target", printable(&path)))))?;
        }
        Ok(())
    }

    fn names_in(&mut self, directory: &K::Fd) -> Step<Vec<OsString>> {
        let mut names: Vec<OsString> = Vec::new();
        loop {
            let entries = self.backend.calls.getdents64(directory, ROOM)?;
            if entries.is_empty() {
                return Ok(names);
            }
            names.extend(entries.iter().map(|entry| entry.name.to_owned()).filter(|name| name != "." && name != ".."));
            if self.names + names.len() > MOST_NAMES {
                return Err(Fault::new(Call::Getdents64, Errno::E2BIG).at_step("copy up (more than 65536 names)"));
            }
        }
    }

    /// Copies one name. The file is pinned, so that what is looked at is what is copied.
    fn entry(&mut self, (from, to): (&K::Fd, &K::Fd), name: &OsStr, (path, level): (&Path, usize)) -> Step<()> {
        self.names += 1;
        let (calls, name) = (&self.backend.calls, Path::new(name));
        let file = self.backend.beneath(from, name, O_PATH | O_NOFOLLOW, Crossing::Refuse)?;
        let stat = self.backend.stat_fd(&file, STATX_BASIC_STATS)?;
        let (is_directory, key) = (kind(&stat) == S_IFDIR, (stat.device, stat.inode));
        if let Some(first) = self.first_names.get(&key).filter(|_| !is_directory) {
            return calls.linkat(&self.root, first, to, name);
        }
        match kind(&stat) {
            S_IFDIR => {
                calls.mkdirat(At::Fd(to), name, 0o700)?;
                let made = calls.openat(At::Fd(to), name, READ_DIRECTORY | O_NOFOLLOW, 0)?;
                let source = calls.openat(At::Fd(&file), ".".as_ref(), READ_DIRECTORY, 0)?;
                self.directory((&source, &made), path, level + 1)?;
                self.dress_as((&file, &made), &stat)?;
            }
            S_IFLNK => {
                let text = calls.readlinkat(At::Fd(&file), "".as_ref())?;
                calls.symlinkat(&text, At::Fd(to), name)?;
                calls.fchownat(At::Fd(to), name, (Some(stat.uid), Some(stat.gid)), AT_SYMLINK_NOFOLLOW)?;
            }
            S_IFREG => {
                let flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
                let made = calls.openat(At::Fd(to), name, flags, 0o600)?;
                self.contents((&file, &made), stat.size)?;
                self.dress_as((&file, &made), &stat)?;
            }
            other => {
                let device = DeviceNumber::new(stat.represents.0, stat.represents.1).to_raw();
                calls.mknodat(At::Fd(to), name, other & S_IFMT | 0o600, device)?;
                let made = calls.openat(At::Fd(to), name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)?;
                self.dress_as((&file, &made), &stat)?;
            }
        }
        if stat.links > 1 && !is_directory {
            self.first_names.insert(key, path.to_path_buf());
        }
        Ok(())
    }

    /// Copies as many bytes as the file had when it was looked at.
    fn contents(&self, (file, made): (&K::Fd, &K::Fd), size: u64) -> Step<()> {
        let calls = &self.backend.calls;
        let source = calls.reopen(file, O_RDONLY | O_CLOEXEC)?;
        let mut rest = size;
        while rest > 0 {
            let room = usize::try_from(rest).unwrap_or(ROOM).min(ROOM);
            let bytes = calls.read(&source, room)?;
            if bytes.is_empty() {
                break;
            }
            rest = rest.saturating_sub(bytes.len() as u64);
            let mut unwritten = &bytes[..];
            while !unwritten.is_empty() {
                unwritten = &unwritten[calls.write(made, unwritten)?..];
            }
        }
        Ok(())
    }

    fn dress_as(&self, files: (&K::Fd, &K::Fd), stat: &Stat) -> Step<()> {
        self.dress(files, (Some(stat.uid), Some(stat.gid)), Some(stat.mode))
    }

    /// Gives a copy its owner, then its mode, some of which a change of the owner clears, then its extended attributes, among them
    /// capabilities and access control lists.
    fn dress(&self, (file, copy): (&K::Fd, &K::Fd), owner: (Option<u32>, Option<u32>), mode: Option<u16>) -> Step<()> {
        let calls = &self.backend.calls;
        if owner != (None, None) {
            calls.fchownat(At::Fd(copy), "".as_ref(), owner, AT_EMPTY_PATH)?;
        }
        if let Some(mode) = mode {
            calls.chmod(Reach::Descriptor(copy), u32::from(mode & 0o7777))?;
        }
        let names = calls.listxattr(Reach::Descriptor(file), ROOM)?;
        for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()).map(OsStr::from_bytes) {
            let copied = calls
                .getxattr(Reach::Descriptor(file), name, ROOM)
                .and_then(|value| calls.setxattr(Reach::Descriptor(copy), name, &value));
            copied.map_err(|fault| fault.because(Some(format!("the attribute {}", printable(name)))))?;
        }
        Ok(())
    }
}
