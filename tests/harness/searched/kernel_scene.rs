//! The scene on the kernel that runs the test, in a fresh root of this thread's own.
//!
//! The other namespace of the model is a peer here, `/peer`: what propagates from `/shared` shows there.

use std::os::fd::OwnedFd;
use std::path::Path;

use mountwright_core::mount::{AtimeMode, MountAttributes, MountId, PeerGroup};
use mountwright_core::{MountFlags, MountTable};
use mountwright_linux::{At, Linux};
use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;

use super::{FILESYSTEMS, Files, Filesystem, Group, MountSeen, Parent, Snapshot};
use super::{add_files, layout, without_numbers};
use crate::machine::{furnish, mountinfo, open_descriptors};

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

impl KernelScene {
    /// Builds it in this thread's own fresh root ([`in_fresh_root`](crate::contract::in_fresh_root)), with `more` in it.
    pub fn build(parent: Parent, more: &str) -> Self {
        let root = match parent {
            Parent::Private => "private /shared",
            Parent::Shared => "shared /shared\ndir /peer\nbind /shared /peer",
        };
        furnish(&(layout(root) + more));
        let copy = |path: &str| {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            rustix::mount::open_tree(CWD, path, flags).expect("a copy")
        };
        let filesystems = FILESYSTEMS.map(|(filesystem, path)| (filesystem, copy(path))).into();
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
    pub fn left_open(&self) -> usize {
        open_descriptors().saturating_sub(self.open)
    }

    /// Records the state of everything.
    pub fn snapshot(&self) -> Snapshot {
        let mut seen = Files::default();
        for (filesystem, top) in &self.filesystems {
            add_files(&mut seen, *filesystem, &Linux::new(), At::Fd(top), Path::new("."));
        }
        let (files, inodes) = seen;
        Snapshot { mounts: self.mounts_seen(), files, inodes }
    }

    /// Returns true if a new mount outside of staging directories can be written through.
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
    MountTable::parse(mountinfo())
}
