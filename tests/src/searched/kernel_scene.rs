//! The scene on the kernel that runs the test, in a fresh root of this thread's own.
//!
//! The other namespace of the model is a peer here, `/peer`: what propagates from `/shared` shows there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use mountwright_core::mount::{AtimeMode, MountAttributes, MountId, PeerGroup};
use mountwright_core::{MountFlags, MountTable};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};
use rustix::mount::{MountFlags as RawFlags, MountPropagationFlags, OpenTreeFlags};

use super::{FileName, FileSeen, Filesystem, Group, MountSeen, Parent, Piece, Snapshot, layout, without_numbers};

/// The machine under test, and its initial state.
#[derive(Debug)]
pub struct KernelScene {
    /// A bare copy of each filesystem, on which nothing is ever mounted.
    filesystems: Vec<(Filesystem, OwnedFd)>,
    /// The mounts in the order of their age. Their numbers identify them in any namespace.
    mounts: Vec<MountId>,
    /// In the order in which the mounts name them: the kernel reuses their numbers.
    groups: Vec<PeerGroup>,
    open: usize,
}

/// The limit of a file's bytes that are compared.
const MOST_BYTES: u64 = 1 << 16;

impl KernelScene {
    /// Builds it in this thread's own fresh root ([`in_fresh_root`](crate::contract::in_fresh_root)), with `more` in it.
    ///
    /// # Panics
    ///
    /// If the kernel refuses something.
    pub fn build(parent: Parent, more: &[Piece]) -> Self {
        layout().iter().chain(more).for_each(|piece| place(piece, parent));
        let roots = [
            (Filesystem::Root, "/"),
            (Filesystem::Shared, "/shared"),
            (Filesystem::Source, "/src"),
            (Filesystem::Inner, "/src/tree/inner"),
            (Filesystem::Victim, "/outside/busy/plain"),
            (Filesystem::Bystander, "/shared/other/rootfs"),
        ];
        let copy = |path: &str| {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            rustix::mount::open_tree(CWD, path, flags).expect("a copy")
        };
        let filesystems = roots.map(|(filesystem, path)| (filesystem, copy(path))).into();
        let mut scene = Self { filesystems, mounts: Vec::new(), groups: Vec::new(), open: 0 };
        let table = table();
        scene.mounts = table.iter().map(|row| row.id()).collect();
        for group in table.iter().flat_map(|row| [row.propagation().peers, row.propagation().master]).flatten() {
            if !scene.groups.contains(&group) {
                scene.groups.push(group);
            }
        }
        scene.open = open_descriptors();
        scene
    }

    /// Counts the open descriptors that were not open when it was built.
    ///
    /// # Panics
    ///
    /// If there is no procfs.
    pub fn left_open(&self) -> usize {
        open_descriptors().saturating_sub(self.open)
    }

    /// Records the state of everything.
    ///
    /// # Panics
    ///
    /// If something cannot be looked at.
    pub fn snapshot(&self) -> Snapshot {
        let (mut files, mut inodes) = (BTreeMap::new(), BTreeMap::new());
        for (filesystem, top) in &self.filesystems {
            let mut visit = |path: &str, seen, inode| {
                let name: FileName = (*filesystem, without_numbers(path));
                inodes.insert(name.clone(), inode);
                files.insert(name, seen);
            };
            let root = rustix::fs::statat(top, ".", AtFlags::empty()).expect("the root is there");
            visit(".", seen(&root, Vec::new()), root.st_ino);
            visit_files(top, "", &mut visit);
        }
        Snapshot { mounts: self.mounts_seen(), files, inodes }
    }

    /// Returns true if a new mount outside of staging directories can be written through.
    ///
    /// # Panics
    ///
    /// If there is no procfs.
    pub fn shows_writable(&self) -> bool {
        let made = self.mounts_seen().into_iter().filter(|mount| mount.old.is_none());
        let mut writable = made.filter(|mount| mount.attributes & READ_ONLY == 0);
        writable.any(|mount| {
            ["source", "inner"].contains(&&*mount.filesystem) && !mount.point.starts_with("/run/.mountwright-staging")
        })
    }

    fn mounts_seen(&self) -> Vec<MountSeen> {
        let group = |group: Option<PeerGroup>| match group {
            None => Group::None,
            Some(group) => match self.groups.iter().position(|&old| old == group) {
                Some(old) => Group::Old(u64::try_from(old).expect("small")),
                None => Group::New,
            },
        };
        let table = table();
        let rows = table.iter().filter(|row| !row.mount_point().starts_with("/proc"));
        let mut mounts: Vec<_> = rows
            .map(|row| {
                let point = row.mount_point().to_string_lossy().into_owned();
                let peer = point.strip_prefix("/peer").map(|below| format!("/shared{below}"));
                let age = self.mounts.iter().position(|&id| id == row.id());
                let propagation = row.propagation();
                MountSeen {
                    here: peer.is_none(),
                    point: without_numbers(&peer.unwrap_or(point)),
                    old: age.map(|age| u64::try_from(age).expect("small")),
                    filesystem: row.source().to_string_lossy().into_owned(),
                    root: row.root().to_string_lossy().into_owned(),
                    attributes: number_of(row.attributes()),
                    superblock_read_only: row.to_info().option("ro").is_some(),
                    peers: group(propagation.peers),
                    master: group(propagation.master),
                    unbindable: propagation.unbindable,
                }
            })
            .collect();
        mounts.sort();
        mounts
    }
}

const READ_ONLY: u64 = 1;

fn number_of(attributes: MountAttributes) -> u64 {
    let atime = match attributes.atime {
        AtimeMode::Relative => 0,
        AtimeMode::Never => 1 << 8,
        AtimeMode::Strict => 1 << 9,
    };
    let flags = MountFlags::ALL.words().map(|(flag, _)| flag).filter(|&flag| attributes.flags.contains(flag));
    flags.fold(atime, |number, flag| {
        let place = MountFlags::ALL.words().position(|(other, _)| other == flag).unwrap_or_default();
        number | if flag == MountFlags::READ_ONLY { READ_ONLY } else { 2 << place }
    })
}

fn table() -> MountTable {
    MountTable::parse(read(CWD, Path::new("/proc/thread-self/mountinfo")))
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/thread-self/fd").expect("a procfs").count()
}

fn read(dir: impl AsFd, path: &Path) -> Vec<u8> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(dir, path, flags, Mode::empty()).expect("a file opens");
    let mut bytes = Vec::new();
    File::from(file).take(MOST_BYTES).read_to_end(&mut bytes).expect("a file can be read");
    bytes
}

fn seen(stat: &Stat, contents: Vec<u8>) -> FileSeen {
    let mode = u16::try_from(stat.st_mode).expect("kind and permissions have 16 bits");
    FileSeen { mode, owner: (stat.st_uid, stat.st_gid), contents }
}

/// Visits each file below a directory: its path, the file and its inode number.
///
/// # Panics
///
/// If something cannot be looked at.
pub fn visit_files(top: &OwnedFd, below: &str, visit: &mut impl FnMut(&str, FileSeen, u64)) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let here = if below.is_empty() { "." } else { below };
    let directory = rustix::fs::openat(top, here, flags, Mode::empty()).expect("a directory opens");
    for entry in Dir::read_from(&directory).expect("a directory can be listed") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if name == "." || name == ".." {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let stat = rustix::fs::statat(top, path.as_str(), AtFlags::SYMLINK_NOFOLLOW).expect("it was listed");
        let kind = FileType::from_raw_mode(stat.st_mode);
        let contents = match kind {
            FileType::Symlink => {
                rustix::fs::readlinkat(top, path.as_str(), Vec::new()).expect("a link can be read").into_bytes()
            }
            FileType::RegularFile => read(top, Path::new(&path)),
            _ => Vec::new(),
        };
        visit(&path, seen(&stat, contents), stat.st_ino);
        if kind == FileType::Directory {
            visit_files(top, &path, visit);
        }
    }
}

fn place(piece: &Piece, parent: Parent) {
    let change = |path: &str, kind| rustix::mount::mount_change(path, kind).expect("a propagation");
    match piece {
        Piece::Directory(path) => rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)).expect("a directory"),
        Piece::File { path, contents } => {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644)).expect("a file");
            File::from(file).write_all(contents.as_bytes()).expect("a file can be written");
        }
        Piece::Link { target, path } => rustix::fs::symlink(target, path).expect("a link"),
        Piece::Tmpfs { name, path } => {
            rustix::mount::mount(*name, path, "tmpfs", RawFlags::empty(), None).expect("a tmpfs");
            change(path, MountPropagationFlags::PRIVATE);
        }
        Piece::Bind { source, path } => {
            rustix::mount::mount_bind(*source, path).expect("a bind");
            change(path, MountPropagationFlags::PRIVATE);
        }
        Piece::Root => {
            if parent == Parent::Shared {
                change("/shared", MountPropagationFlags::SHARED);
                rustix::fs::mkdir("/peer", Mode::from_raw_mode(0o755)).expect("a directory");
                rustix::mount::mount_bind("/shared", "/peer").expect("a peer");
            }
        }
    }
}
