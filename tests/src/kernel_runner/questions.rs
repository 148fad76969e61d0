//! The operations that query and change nothing.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Statx, StatxFlags};
use rustix::io;

use super::descriptors::At;

/// The result of statx(2) for one place, with the device still to be named.
pub(super) struct Statted {
    pub(super) kind: &'static str,
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    pub(super) mount: u64,
    pub(super) mount_root: bool,
}

/// statx(2), with the empty-path flag for an empty path at a descriptor.
pub(super) fn stat((dir, path): At<'_>, flags: AtFlags) -> io::Result<Statted> {
    let statx = rustix::fs::statx(dir, path, flags, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?;
    Ok(Statted {
        kind: kind_of(&statx),
        device: (statx.stx_dev_major, statx.stx_dev_minor),
        inode: statx.stx_ino,
        mount: statx.stx_mnt_id,
        mount_root: statx.stx_attributes.contains(rustix::fs::StatxAttributes::MOUNT_ROOT),
    })
}

fn kind_of(statx: &Statx) -> &'static str {
    match FileType::from_raw_mode(statx.stx_mode.into()) {
        FileType::RegularFile => "file",
        FileType::Directory => "dir",
        FileType::Symlink => "symlink",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "char",
        FileType::BlockDevice => "block",
        FileType::Unknown => "unknown",
    }
}

/// The names in a directory, sorted.
pub(super) fn names((dir, path): At<'_>) -> io::Result<Vec<String>> {
    let directory = rustix::fs::openat(dir, path, reading(), Mode::empty())?;
    names_in(&directory)
}

/// Everything below a directory, across mounts, sorted: `x/` for a directory, `x` for a file, `x@kind` for the rest.
pub(super) fn tree((dir, path): At<'_>) -> io::Result<Vec<String>> {
    let directory = rustix::fs::openat(dir, path, reading(), Mode::empty())?;
    let mut found = Vec::new();
    walk(&directory, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn walk(directory: &OwnedFd, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for name in names_in(directory)? {
        let statted = stat((directory.as_fd(), name.clone()), AtFlags::SYMLINK_NOFOLLOW)?;
        match statted.kind {
            "dir" => {
                let path = format!("{prefix}{name}/");
                let below = rustix::fs::openat(directory, &name, reading() | OFlags::NOFOLLOW, Mode::empty())?;
                found.push(path.clone());
                walk(&below, &path, found)?;
            }
            "file" => found.push(format!("{prefix}{name}")),
            kind => found.push(format!("{prefix}{name}@{kind}")),
        }
    }
    Ok(())
}

fn names_in(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn reading() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}
