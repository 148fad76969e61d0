//! The state of a machine: every mount of both namespaces, every file of every filesystem.

use std::collections::BTreeMap;
use std::path::Path;

use mountwright_linux::abi::{S_IFLNK, S_IFMT, STATX_BASIC_STATS};
use mountwright_linux::{At, Kernel, Stat};

use super::Filesystem;
use crate::machine::walk;

/// One mount. Those that a run has made have no id: it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MountSeen {
    /// In the subject's namespace, or in the other one.
    pub here: bool,
    /// The mount point.
    pub point: String,
    /// Older than the run: which one it is.
    pub old: Option<u64>,
    /// The source of its filesystem.
    pub filesystem: String,
    /// Its root in that filesystem.
    pub root: String,
    /// `MOUNT_ATTR_…`.
    pub attributes: u64,
    /// The filesystem as a whole is read-only.
    pub superblock_read_only: bool,
    /// Its peer group.
    pub peers: Group,
    /// The group that it is a slave of.
    pub master: Group,
    /// It may not be bound.
    pub unbindable: bool,
}

/// A peer group: by number where an old mount has it, by nothing more than its being one where only new ones have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// None.
    None,
    /// One that was there before.
    Old(u64),
    /// One that was not.
    New,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileSeen {
    /// Kind and permissions.
    pub mode: u16,
    /// User and group.
    pub owner: (u32, u32),
    /// Of a file its bytes, of a symlink where it points.
    pub contents: Vec<u8>,
}

impl FileSeen {
    /// A symlink.
    pub fn is_link(&self) -> bool {
        u32::from(self.mode) & S_IFMT == S_IFLNK
    }

    /// The bits that chmod(2) changes.
    pub fn permissions(&self) -> u32 {
        u32::from(self.mode) & 0o7777
    }
}

/// A file: its filesystem, and its path there.
pub type FileName = (Filesystem, String);

/// The whole machine, as far as a run could change it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Every mount, in order.
    pub mounts: Vec<MountSeen>,
    /// Every file.
    pub files: BTreeMap<FileName, FileSeen>,
    /// Which file has which name. Not compared: new files have numbers of their own.
    pub inodes: BTreeMap<FileName, u64>,
}

/// Files and their inodes, by name.
pub type Files = (BTreeMap<FileName, FileSeen>, BTreeMap<FileName, u64>);

/// Adds a filesystem's files, seen at a mount of it on which nothing is mounted.
pub fn add_files<K: Kernel>(files: &mut Files, filesystem: Filesystem, calls: &K, at: At<'_, K::Fd>, top: &Path) {
    let mut add = |path: &Path, stat: &Stat, contents| {
        let below = path.strip_prefix(top).expect("it is below");
        let name = if below == Path::new("") { ".".to_owned() } else { without_numbers(&below.to_string_lossy()) };
        let seen = FileSeen { mode: stat.mode, owner: (stat.uid, stat.gid), contents };
        files.0.insert((filesystem, name.clone()), seen);
        files.1.insert((filesystem, name), stat.inode);
    };
    let root = calls.statx(at, top, 0, STATX_BASIC_STATS).expect("the root is there");
    add(top, &root, Vec::new());
    walk(calls, at, top, &mut add);
}

/// A name without the number that makes a passing name unlike any other.
pub fn without_numbers(path: &str) -> String {
    let Some(start) = path.find(".mountwright-") else { return path.to_owned() };
    let (before, passing) = path.split_at(start);
    let (name, after) = passing.split_once('/').map_or((passing, None), |(name, after)| (name, Some(after)));
    let plain: String = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    after.map_or_else(|| format!("{before}{plain}"), |after| format!("{before}{plain}/{after}"))
}
