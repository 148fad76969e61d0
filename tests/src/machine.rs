//! Setting a machine up, and looking at its files, by system calls: the kernel that runs the test, or the model.

use std::path::Path;

use mountwright_core::Errno;
use mountwright_fake::{Machine, ModelKernel};
use mountwright_linux::abi::{
    AT_SYMLINK_NOFOLLOW, MS_BIND, MS_PRIVATE, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, S_IFDIR,
    S_IFLNK, S_IFMT, S_IFREG, STATX_BASIC_STATS,
};
use mountwright_linux::{At, Kernel, Linux, Reach, Stat};

/// The system calls of the backend, and symlinks.
pub trait Calls: Kernel {
    /// symlink(2).
    ///
    /// # Errors
    ///
    /// Those of the call.
    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno>;
}

impl Calls for Linux {
    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        let refused = |errno: rustix::io::Errno| Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EINVAL);
        rustix::fs::symlink(target, path).map_err(refused)
    }
}

impl Calls for ModelKernel {
    fn symlink(&self, target: &str, path: &str) -> Result<(), Errno> {
        let machine: &mut Machine = &mut self.machine().lock();
        machine.symlinkat(self.process(), target.as_bytes(), mountwright_fake::At::Cwd, path.as_bytes())
    }
}

/// Set-up of a machine. What fails is a panic.
#[derive(Debug)]
#[allow(clippy::missing_panics_doc)] // Said once for all methods above.
pub struct Furniture<'a, K>(pub &'a K);

impl<K: Calls> Furniture<'_, K> {
    /// Makes a directory, mode 0755.
    pub fn dir(&self, path: &str) {
        done("mkdir", path, self.0.mkdirat(At::Cwd, Path::new(path), 0o755));
    }

    /// Makes a file, mode 0644.
    pub fn file(&self, path: &str, text: &str) {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC;
        let file = done("open", path, self.0.openat(At::Cwd, Path::new(path), flags, 0o644));
        if !text.is_empty() {
            done("write", path, self.0.write(&file, text.as_bytes()));
        }
    }

    /// Makes a symlink.
    pub fn link(&self, target: &str, path: &str) {
        done("symlink", path, self.0.symlink(target, path));
    }

    /// Mounts a tmpfs of this source, private.
    pub fn tmpfs(&self, source: &str, path: &str) {
        self.mount(source, path, "tmpfs", 0);
        self.propagate(path, MS_PRIVATE);
    }

    /// Binds one mount.
    pub fn bind(&self, source: &str, target: &str) {
        self.mount(source, target, "", MS_BIND);
    }

    /// Changes a propagation type (`MS_…`).
    pub fn propagate(&self, path: &str, kind: u32) {
        self.mount("", path, "", kind);
    }

    /// mount(2).
    pub fn mount(&self, source: &str, target: &str, fs_type: &str, flags: u32) {
        let (from, to) = (Reach::Path(Path::new(source)), Reach::Path(Path::new(target)));
        done("mount", target, self.0.mount(from, to, fs_type.as_ref(), flags, "".as_ref()));
    }
}

fn done<T>(what: &str, path: &str, answer: Result<T, Errno>) -> T {
    answer.unwrap_or_else(|errno| panic!("setting up: {what} {path}: {errno}"))
}

/// The limit of a file's bytes that are read.
const MOST_BYTES: usize = 1 << 16;

/// Visits everything below a directory, across mounts: its path, what it is, and a file's bytes or a symlink's target. What
/// cannot be looked at is left out.
pub fn walk<K: Kernel>(calls: &K, at: At<'_, K::Fd>, directory: &Path, visit: &mut impl FnMut(&Path, &Stat, Vec<u8>)) {
    for name in names(calls, at, directory).unwrap_or_default() {
        let path = directory.join(name);
        let Ok(stat) = calls.statx(at, &path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS) else { continue };
        let kind = u32::from(stat.mode) & S_IFMT;
        let bytes = match kind {
            S_IFREG => read(calls, at, &path).unwrap_or_default(),
            S_IFLNK => {
                calls.readlinkat(at, &path).map(|to| to.into_os_string().into_encoded_bytes()).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        visit(&path, &stat, bytes);
        if kind == S_IFDIR {
            walk(calls, at, &path, visit);
        }
    }
}

fn names<K: Kernel>(calls: &K, at: At<'_, K::Fd>, directory: &Path) -> Result<Vec<std::ffi::OsString>, Errno> {
    let directory = calls.openat(at, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)?;
    let mut names = Vec::new();
    loop {
        let entries = calls.getdents64(&directory, 1 << 15)?;
        if entries.is_empty() {
            names.retain(|name| name != "." && name != "..");
            return Ok(names);
        }
        names.extend(entries.iter().map(|entry| entry.name.to_owned()));
    }
}

fn read<K: Kernel>(calls: &K, at: At<'_, K::Fd>, path: &Path) -> Result<Vec<u8>, Errno> {
    let file = calls.openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0)?;
    calls.read(&file, MOST_BYTES)
}
