//! The state of a machine: every mount of both namespaces, every file of every filesystem.

use std::collections::{BTreeMap, BTreeSet};

use mountwright_fake::abi::{
    AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, LSMT_ROOT, MS_UNBINDABLE, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, S_IFDIR, S_IFLNK,
    S_IFMT, S_IFREG, STATX_BASIC_STATS,
};
use mountwright_fake::{Machine, Pid};
use mountwright_tests::searched::{FileSeen, Group, MountSeen, Snapshot, without_numbers};

use crate::scene::Scene;

/// Every field of statmount that a mount has.
const EVERYTHING: u64 = 0x7fff;

/// Returns the peer groups that a scene has at first, to distinguish them from new ones.
pub(crate) fn groups_of(scene: &Scene) -> BTreeSet<u64> {
    let raw = scene.attackers.iter().flat_map(|&pid| raw_mounts(&scene.machine, pid));
    raw.flat_map(|mount| [mount.mnt_peer_group, mount.mnt_master]).filter(|&group| group != 0).collect()
}

/// The mounts that a process sees, in order of age.
pub(crate) fn raw_mounts(machine: &Machine, pid: Pid) -> Vec<mountwright_fake::Statmount> {
    younger_mounts(machine, pid, 0)
}

/// Those of them that are younger than this one.
pub(crate) fn younger_mounts(machine: &Machine, pid: Pid, than: u64) -> Vec<mountwright_fake::Statmount> {
    let ids = machine.listmount(pid, LSMT_ROOT, None, than, usize::MAX, 0).unwrap_or_default();
    ids.into_iter().filter_map(|id| machine.statmount(pid, id, None, EVERYTHING, 0).ok()).collect()
}

/// Records the state of a machine that started as `scene`.
pub(crate) fn snapshot(machine: &Machine, scene: &Scene, old_groups: &BTreeSet<u64>) -> Snapshot {
    let mut mounts = Vec::new();
    for (pid, here) in [(scene.attackers[0], true), (scene.attackers[1], false)] {
        let group = |number| match number {
            0 => Group::None,
            old if old_groups.contains(&old) => Group::Old(old),
            _ => Group::New,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        mounts.extend(raw_mounts(machine, pid).into_iter().map(|mount| MountSeen {
            here,
            point: without_numbers(&text(&mount.mnt_point)),
            old: (mount.mnt_id <= scene.newest).then_some(mount.mnt_id),
            filesystem: text(&mount.sb_source),
            root: text(&mount.mnt_root),
            attributes: mount.mnt_attr,
            superblock_read_only: mount.sb_flags & 1 != 0,
            peers: group(mount.mnt_peer_group),
            master: group(mount.mnt_master),
            unbindable: mount.mnt_propagation & MS_UNBINDABLE != 0,
        }));
    }
    mounts.sort();
    let (mut files, mut inodes) = (BTreeMap::new(), BTreeMap::new());
    // The look-up opens files, so it works on a copy.
    let mut copy = machine.clone();
    for &(filesystem, fd) in &scene.filesystems {
        let mut visit = |path: &str, seen, inode| {
            let name = (filesystem, without_numbers(path));
            inodes.insert(name.clone(), inode);
            files.insert(name, seen);
        };
        let (root, _, inode) = file(&mut copy, scene.observer, fd, "");
        visit(".", root, inode);
        walk(&mut copy, scene.observer, fd, &mut visit);
    }
    Snapshot { mounts, files, inodes }
}

fn walk(machine: &mut Machine, pid: Pid, top: i32, visit: &mut impl FnMut(&str, FileSeen, u64)) {
    let mut pending = vec![String::from(".")];
    while let Some(path) = pending.pop() {
        let fd = machine.openat(pid, top, path.as_bytes(), O_RDONLY | O_DIRECTORY, 0).expect("a directory opens");
        let mut names = Vec::new();
        while let Ok(entries) = machine.getdents64(pid, fd, 1 << 16)
            && !entries.is_empty()
        {
            names.extend(entries.into_iter().map(|entry| entry.name));
        }
        machine.close(pid, fd).expect("an open file closes");
        for name in names {
            let name = String::from_utf8_lossy(&name).into_owned();
            if name == "." || name == ".." {
                continue;
            }
            let path = if path == "." { name } else { format!("{path}/{name}") };
            let (seen, kind, inode) = file(machine, pid, top, &path);
            visit(&path, seen, inode);
            if kind == S_IFDIR {
                pending.push(path);
            }
        }
    }
}

fn file(machine: &mut Machine, pid: Pid, top: i32, path: &str) -> (FileSeen, u32, u64) {
    let bytes = path.as_bytes();
    let stat = machine.statx(pid, top, bytes, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BASIC_STATS);
    let stat = stat.expect("a name that was listed is there");
    let kind = u32::from(stat.mode) & S_IFMT;
    let contents = match kind {
        S_IFLNK => machine.readlinkat(pid, top, bytes).expect("a link can be read"),
        S_IFREG => {
            let fd = machine.openat(pid, top, bytes, O_RDONLY | O_NOFOLLOW, 0).expect("a file opens");
            let contents = machine.read(pid, fd, 1 << 16).expect("a file can be read");
            machine.close(pid, fd).expect("an open file closes");
            contents
        }
        _ => Vec::new(),
    };
    (FileSeen { mode: stat.mode, owner: (stat.uid, stat.gid), contents }, kind, stat.ino)
}
