//! Setting a machine up, and looking at its files, by system calls: the kernel that runs the test, or the model.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::{DeviceNumber, Errno, Location};
use mountwright_fake::{At as Start, ModelKernel, abi};
use mountwright_linux::abi::{
    AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG,
    STATX_BASIC_STATS,
};
use mountwright_linux::{At, Kernel, Stat};

use crate::scenario::MountFlag;
use crate::scenario_runner::calls::{Answered, AtPath, ProcessCalls};
use crate::scenario_runner::kernel_calls::KernelCalls;
use crate::scenario_runner::model_calls::ModelCalls;

/// Makes what the lines say on the kernel, as this thread; what fails is a panic. A line ends with the line or with `;` and
/// is one of these, with as many paths as it likes:
///
/// | line | what |
/// |---|---|
/// | `dir PATH…`, `dir:MODE PATH…` | directories, mode 0755, where they are missing; of this mode in any case |
/// | `file PATH [TEXT]`, `file:MODE PATH [TEXT]` | a file, mode 0644 |
/// | `link TARGET PATH…` | symlinks |
/// | `fifo PATH…`, `socket PATH…`, `char MAJOR:MINOR PATH…`, `block MAJOR:MINOR PATH…` | nodes, mode 0644 |
/// | `hardlink EXISTING PATH…`, `rename FROM TO`, `unlink PATH…`, `rmdir PATH…` | names |
/// | `chmod MODE PATH…`, `chown UID:GID PATH…`, `chdir PATH` | chmod(2), the mode in octal; lchown(2); chdir(2) |
/// | `tmpfs PATH…`, `tmpfs:SOURCE PATH…` | new tmpfs, mode 0755 |
/// | `mount TYPE SOURCE PATH…` | new filesystems without options |
/// | `bind SOURCE PATH…` | binds of one mount |
/// | `shared`, `private`, `slave`, `unbindable`, `rprivate`, `read-only PATH…` | changes of mounts |
/// | `remount WORD,WORD PATH…` | the attributes of mounts, as the mount table shows them |
/// | `detach PATH…`, `clear PATH…` | lazy unmounts: of the topmost mount, of all there are |
///
/// Missing directories above a path are made too, and so is the missing directory that a mount is for.
#[track_caller]
pub fn furnish(lines: &str) {
    furnish_by(&mut KernelCalls::default(), lines);
}

/// The same on the model, as the process of these calls.
#[track_caller]
pub fn furnish_model(calls: &ModelKernel, lines: &str) {
    furnish_by(&mut ModelCalls { machine: &mut calls.machine().lock(), pid: calls.process() }, lines);
}

#[track_caller]
pub(crate) fn furnish_by(calls: &mut dyn ProcessCalls, lines: &str) {
    for line in lines.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
        let made = make(calls, line);
        made.unwrap_or_else(|errno| panic!("setting up: {line}: {errno}"));
    }
}

fn make(calls: &mut dyn ProcessCalls, line: &str) -> Answered<()> {
    let mut words = line.split(' ');
    let mut next = || words.next().unwrap_or_else(|| panic!("a word is missing: {line}"));
    let verb = next();
    let (verb, argument) = verb.split_once(':').map_or((verb, None), |(verb, argument)| (verb, Some(argument)));
    let octal = |mode| u32::from_str_radix(mode, 8).unwrap_or_else(|error| panic!("{line}: {error}"));
    match verb {
        "dir" => words.try_for_each(|path| {
            dir(calls, path.as_ref())?;
            argument.map_or(Ok(()), |mode| calls.fchmodat(here(path.as_ref()), octal(mode)))
        }),
        "file" => {
            let path = Path::new(next());
            file(calls, path, words.collect::<Vec<_>>().join(" ").as_bytes())?;
            argument.map_or(Ok(()), |mode| calls.fchmodat(here(path), octal(mode)))
        }
        "link" => {
            let target = Path::new(next());
            words.try_for_each(|path| link(calls, target, path.as_ref()))
        }
        "fifo" => words.try_for_each(|path| node(calls, path.as_ref(), abi::S_IFIFO, 0)),
        "socket" => words.try_for_each(|path| node(calls, path.as_ref(), abi::S_IFSOCK, 0)),
        "hardlink" => {
            let existing = Path::new(next());
            words.try_for_each(|path| calls.linkat(here(existing), here(path.as_ref())))
        }
        "rename" => calls.renameat2(here(next().as_ref()), here(next().as_ref()), 0),
        "unlink" => words.try_for_each(|path| calls.unlinkat(here(path.as_ref()), 0)),
        "rmdir" => words.try_for_each(|path| calls.unlinkat(here(path.as_ref()), abi::AT_REMOVEDIR)),
        "detach" => words.try_for_each(|path| calls.umount2(here(path.as_ref()), abi::MNT_DETACH)),
        "clear" => {
            words.for_each(|path| while calls.umount2(here(path.as_ref()), abi::MNT_DETACH).is_ok() {});
            Ok(())
        }
        "chdir" => calls.chdir(here(next().as_ref())),
        "chown" => {
            let (uid, gid) = pair(next(), line);
            words.try_for_each(|path| calls.fchownat(here(path.as_ref()), uid, gid))
        }
        "char" | "block" => {
            let kind = if verb == "char" { abi::S_IFCHR } else { abi::S_IFBLK };
            let (major, minor) = pair(next(), line);
            let device = DeviceNumber::new(major, minor).to_raw();
            words.try_for_each(|path| node(calls, path.as_ref(), kind, device))
        }
        "chmod" => {
            let mode = octal(next());
            words.try_for_each(|path| calls.fchmodat(here(path.as_ref()), mode))
        }
        "mount" => {
            let (fs_type, source) = (next(), next());
            words.try_for_each(|path| mount(calls, source.as_ref(), path.as_ref(), fs_type, None))
        }
        "bind" => {
            let source = Path::new(next());
            words.try_for_each(|path| bind(calls, source, path.as_ref()))
        }
        "remount" => {
            let flags = next().split(',').fold(abi::MS_REMOUNT | abi::MS_BIND, |flags, word| flags | attribute(word));
            let strict = if flags & (abi::MS_RELATIME | abi::MS_NOATIME) == 0 { abi::MS_STRICTATIME } else { 0 };
            words.try_for_each(|path| calls.mount(None, here(path.as_ref()), None, flags | strict, None))
        }
        "tmpfs" => {
            let source = argument.unwrap_or("tmp");
            words.try_for_each(|path| tmpfs(calls, source.as_ref(), path.as_ref()))
        }
        _ => {
            let flags = change(verb).unwrap_or_else(|| panic!("no such line: {line}"));
            words.try_for_each(|path| calls.mount(None, here(path.as_ref()), None, flags, None))
        }
    }
}

fn pair(word: &str, line: &str) -> (u32, u32) {
    let numbers = word.split_once(':').map(|(one, other)| (one.parse(), other.parse()));
    let Some((Ok(one), Ok(other))) = numbers else { panic!("two numbers are missing: {line}") };
    (one, other)
}

/// The bit of a word of the mount table; `rw`, or none at all, is none.
fn attribute(word: &str) -> u64 {
    match word {
        "" | "rw" => 0,
        word => MountFlag::of(word).unwrap_or_else(|| panic!("no attribute: {word}")).bits(),
    }
}

fn change(verb: &str) -> Option<u64> {
    Some(match verb {
        "shared" => abi::MS_SHARED,
        "private" => abi::MS_PRIVATE,
        "slave" => abi::MS_SLAVE,
        "unbindable" => abi::MS_UNBINDABLE,
        "rprivate" => abi::MS_PRIVATE | abi::MS_REC,
        "read-only" => abi::MS_REMOUNT | abi::MS_BIND | abi::MS_RDONLY,
        _ => return None,
    })
}

/// A path as the first two arguments of a call.
pub(crate) fn here(path: &Path) -> AtPath<'_> {
    (Start::Cwd, path.as_os_str().as_bytes())
}

/// A directory, mode 0755, and those above it, where they are missing.
pub(crate) fn dir(calls: &mut dyn ProcessCalls, path: &Path) -> Answered<()> {
    if calls.statx(here(path), abi::AT_SYMLINK_NOFOLLOW).is_ok() {
        return Ok(());
    }
    above(calls, path)?;
    calls.mkdirat(here(path), 0o755)?;
    calls.fchmodat(here(path), 0o755)
}

fn above(calls: &mut dyn ProcessCalls, path: &Path) -> Answered<()> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), |parent| dir(calls, parent))
}

/// A file with these bytes, mode 0644.
pub(crate) fn file(calls: &mut dyn ProcessCalls, path: &Path, contents: &[u8]) -> Answered<()> {
    above(calls, path)?;
    let flags = abi::O_WRONLY | abi::O_CREAT | abi::O_TRUNC | abi::O_CLOEXEC;
    let fd = calls.openat(here(path), flags, 0o644)?;
    let mut rest = contents;
    while !rest.is_empty() {
        rest = &rest[calls.write(fd, rest)?..];
    }
    calls.close(fd)?;
    calls.fchmodat(here(path), 0o644)
}

/// A symlink.
pub(crate) fn link(calls: &mut dyn ProcessCalls, target: &Path, path: &Path) -> Answered<()> {
    above(calls, path)?;
    calls.symlinkat(target.as_os_str().as_bytes(), here(path))
}

fn node(calls: &mut dyn ProcessCalls, path: &Path, kind: u32, device: u64) -> Answered<()> {
    above(calls, path)?;
    calls.mknodat(here(path), kind | 0o644, device)
}

/// A new tmpfs, mode 0755.
pub(crate) fn tmpfs(calls: &mut dyn ProcessCalls, source: &OsStr, path: &Path) -> Answered<()> {
    mount(calls, source, path, "tmpfs", Some(b"mode=755"))
}

fn mount(
    calls: &mut dyn ProcessCalls,
    source: &OsStr,
    path: &Path,
    fs_type: &str,
    data: Option<&[u8]>,
) -> Answered<()> {
    dir(calls, path)?;
    calls.mount(Some(here(source.as_ref())), here(path), Some(fs_type.as_bytes()), 0, data)
}

/// A bind of one mount.
pub(crate) fn bind(calls: &mut dyn ProcessCalls, source: &Path, path: &Path) -> Answered<()> {
    dir(calls, path)?;
    calls.mount(Some(here(source)), here(path), None, abi::MS_BIND, None)
}

/// The mount table of this thread, past the backend.
pub fn mountinfo() -> Vec<u8> {
    std::fs::read("/proc/thread-self/mountinfo").expect("a procfs")
}

/// Counts the open descriptors of this thread.
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/thread-self/fd").expect("a procfs").count()
}

/// A place at a trusted path.
pub fn at(path: impl Into<PathBuf>) -> Location {
    Location::trusted(path)
}

/// A place below a root.
pub fn below(root: &str, path: impl Into<PathBuf>) -> Location {
    Location::beneath(root, path).expect("a relative path")
}

/// A place in a root.
pub fn within(root: &str, path: impl Into<PathBuf>) -> Location {
    Location::in_root(root, path)
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
