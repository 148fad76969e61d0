//! The operations that query and change nothing.

use mountwright_core::Errno;
use mountwright_fake::{At, Machine, Pid, Statx, abi};

use crate::scenario::returned::Returned;

/// As large as the C library's buffer.
const BUFFER: usize = 32 * 1024;

/// statx(2)
pub(super) fn stat(machine: &mut Machine, pid: Pid, (at, path): (At, &[u8]), flags: u32) -> Result<Returned, Errno> {
    let statx = machine.statx(pid, at, path, flags, abi::STATX_BASIC_STATS | abi::STATX_MNT_ID)?;
    Ok(Returned::Stat {
        kind: kind_of(&statx).to_owned(),
        device: (statx.dev_major, statx.dev_minor),
        inode: statx.ino,
        mount: statx.mnt_id,
        mount_root: statx.attributes & abi::STATX_ATTR_MOUNT_ROOT != 0,
    })
}

pub(super) fn kind_of(statx: &Statx) -> &'static str {
    match u32::from(statx.mode) & abi::S_IFMT {
        abi::S_IFREG => "file",
        abi::S_IFDIR => "dir",
        abi::S_IFLNK => "symlink",
        abi::S_IFIFO => "fifo",
        abi::S_IFSOCK => "socket",
        abi::S_IFCHR => "char",
        abi::S_IFBLK => "block",
        _ => "unknown",
    }
}

/// The names in a directory, sorted.
pub(super) fn names(machine: &mut Machine, pid: Pid, (at, path): (At, &[u8])) -> Result<Vec<String>, Errno> {
    let directory = machine.openat(pid, at, path, reading(), 0)?;
    let names = names_in(machine, pid, directory);
    machine.close(pid, directory)?;
    names
}

/// Everything below a directory, across mounts, sorted: `x/` for a directory, `x` for a file, `x@kind` for the rest.
pub(super) fn tree(machine: &mut Machine, pid: Pid, (at, path): (At, &[u8])) -> Result<Vec<String>, Errno> {
    let directory = machine.openat(pid, at, path, reading(), 0)?;
    let mut found = Vec::new();
    let walked = walk(machine, pid, directory, "", &mut found);
    machine.close(pid, directory)?;
    found.sort();
    walked.map(|()| found)
}

fn walk(machine: &mut Machine, pid: Pid, directory: i32, prefix: &str, found: &mut Vec<String>) -> Result<(), Errno> {
    for name in names_in(machine, pid, directory)? {
        let bytes = name.as_bytes();
        let statx =
            machine.statx(pid, directory, bytes, abi::AT_SYMLINK_NOFOLLOW, abi::STATX_TYPE | abi::STATX_MODE)?;
        match kind_of(&statx) {
            "dir" => {
                let path = format!("{prefix}{name}/");
                let below = machine.openat(pid, directory, bytes, reading() | abi::O_NOFOLLOW, 0)?;
                found.push(path.clone());
                let walked = walk(machine, pid, below, &path, found);
                machine.close(pid, below)?;
                walked?;
            }
            "file" => found.push(format!("{prefix}{name}")),
            kind => found.push(format!("{prefix}{name}@{kind}")),
        }
    }
    Ok(())
}

pub(super) fn names_in(machine: &mut Machine, pid: Pid, directory: i32) -> Result<Vec<String>, Errno> {
    let mut names = Vec::new();
    loop {
        let entries = match machine.getdents64(pid, directory, BUFFER) {
            Ok(entries) if entries.is_empty() => break,
            // A removed directory: the C library and rustix report it as the end, and so did the recordings.
            Err(Errno::ENOENT) => break,
            entries => entries?,
        };
        let entries = entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
        names.extend(entries.filter(|name| name != "." && name != ".."));
    }
    names.sort();
    Ok(names)
}

fn reading() -> u32 {
    abi::O_RDONLY | abi::O_DIRECTORY | abi::O_CLOEXEC
}
