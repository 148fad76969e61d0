//! The state of a machine: every mount of both namespaces, every file of every filesystem.

use std::collections::BTreeSet;
use std::path::Path;

use mountwright_fake::abi::{LSMT_ROOT, MS_UNBINDABLE};
use mountwright_fake::{Machine, ModelKernel, Pid, SharedMachine};
use mountwright_linux::At;
use mountwright_tests::searched::{FILESYSTEMS, Files, Group, MountSeen, Snapshot, add_files, without_numbers};

use crate::scene::{Scene, bare};

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
    let mut seen = Files::default();
    // The look-up opens files, so it works on a copy.
    let calls = ModelKernel::new(SharedMachine::new(machine.clone()), scene.observer);
    for (filesystem, _) in FILESYSTEMS {
        add_files(&mut seen, filesystem, &calls, At::Cwd, Path::new(&bare(filesystem)));
    }
    let (files, inodes) = seen;
    Snapshot { mounts, files, inodes }
}
