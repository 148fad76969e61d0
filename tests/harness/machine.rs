//! Setting a machine up, and looking at its files, by system calls: the kernel that runs the test, or the model.

use std::path::Path;

use mountwright_core::Errno;
use mountwright_fake::{Machine, ModelKernel};
use mountwright_linux::abi::{
    AT_SYMLINK_NOFOLLOW, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, MS_SHARED, MS_SLAVE, O_CLOEXEC, O_CREAT,
    O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, STATX_BASIC_STATS,
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

/// Makes what the lines say; what fails is a panic. A line is one of these, with as many paths as it likes:
///
/// | line | what |
/// |---|---|
/// | `dir PATH…` | directories, mode 0755 |
/// | `file PATH [TEXT]` | a file, mode 0644 |
/// | `link TARGET PATH…` | symlinks |
/// | `mount TYPE SOURCE PATH…` | new filesystems |
/// | `bind SOURCE PATH…` | binds of one mount |
/// | `shared`, `private`, `slave`, `rprivate`, `read-only PATH…` | changes of mounts |
///
/// # Panics
///
/// If the kernel refuses something, or a line is none of these.
pub fn furnish(calls: &impl Calls, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_else(|| panic!("a word is missing: {line}"));
        let answer = match next() {
            "dir" => words.try_for_each(|path| calls.mkdirat(At::Cwd, Path::new(path), 0o755)),
            "file" => file(calls, next(), &words.collect::<Vec<_>>().join(" ")),
            "link" => {
                let target = next();
                words.try_for_each(|path| calls.symlink(target, path))
            }
            "mount" => {
                let (fs_type, source) = (next(), next());
                words.try_for_each(|path| mount(calls, source, path, fs_type, 0))
            }
            "bind" => {
                let source = next();
                words.try_for_each(|path| mount(calls, source, path, "", MS_BIND))
            }
            change => {
                let flags = flags(change).unwrap_or_else(|| panic!("no such line: {line}"));
                words.try_for_each(|path| mount(calls, "", path, "", flags))
            }
        };
        answer.unwrap_or_else(|errno| panic!("setting up: {line}: {errno}"));
    }
}

fn flags(change: &str) -> Option<u32> {
    Some(match change {
        "shared" => MS_SHARED,
        "private" => MS_PRIVATE,
        "slave" => MS_SLAVE,
        "rprivate" => MS_PRIVATE | MS_REC,
        "read-only" => MS_REMOUNT | MS_BIND | MS_RDONLY,
        _ => return None,
    })
}

fn mount(calls: &impl Calls, source: &str, target: &str, fs_type: &str, flags: u32) -> Result<(), Errno> {
    let (from, to) = (Reach::Path(Path::new(source)), Reach::Path(Path::new(target)));
    calls.mount(from, to, fs_type.as_ref(), flags, "".as_ref())
}

fn file(calls: &impl Calls, path: &str, text: &str) -> Result<(), Errno> {
    let file = calls.openat(At::Cwd, Path::new(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)?;
    if text.is_empty() { Ok(()) } else { calls.write(&file, text.as_bytes()).map(drop) }
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
