//! Ids that are the same in every world.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::sync::LazyLock;

use mountwright_core::file::Metadata;
use mountwright_core::mount::{MountId, PeerGroup, PropagationState};
use mountwright_core::mount_table::MountRow;
use mountwright_core::{DeviceNumber, MountInfo, MountKey, MountTable};

use crate::place::is_on_stage;

/// A tmpfs prints whose it is by the numbers of the machine's own user namespace, unless it is its root's.
static ROOT_OUTSIDE: LazyLock<Vec<String>> = LazyLock::new(|| {
    let outside = |map: &str| {
        let text = std::fs::read_to_string(format!("/proc/thread-self/{map}_map")).ok()?;
        Some(format!("{map}={}", text.split_ascii_whitespace().nth(1)?))
    };
    ["uid", "gid"].into_iter().filter_map(outside).collect()
});

/// Names for the ids of one world, given in the order in which they come up.
#[derive(Default)]
pub(crate) struct Labels {
    mounts: Vec<MountKey>,
}

impl Labels {
    /// The label of a mount; a new one is remembered.
    pub(crate) fn mount(&mut self, key: MountKey) -> String {
        let place = self.mounts.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.mounts.push(key);
            self.mounts.len() - 1
        });
        format!("mount {place}")
    }

    /// One of the mounts that were named so far, counted round.
    pub(crate) fn named(&self, number: usize) -> Option<MountKey> {
        self.mounts.get(number % self.mounts.len().max(1)).copied()
    }

    pub(crate) fn info(&mut self, info: &MountInfo, sight: &Sight) -> String {
        let key = self.mount(info.key());
        format!(
            "{key}, {} on {} {} {} at {} {} {} - {} {} {}",
            sight.row(info.id),
            sight.row(info.parent),
            sight.device(info.device),
            info.root.display(),
            info.mount_point.display(),
            info.attributes,
            sight.propagation(info.propagation),
            info.fs_type.display(),
            info.source.display(),
            words(&info.options),
        )
    }
}

/// The options of a superblock, without those that depend on the kernel's configuration (`CONFIG_TMPFS_INODE64`), and
/// without the outside ids of this user namespace's root.
fn words(options: &OsStr) -> String {
    let options = options.to_string_lossy();
    let is_of_world = |word: &&str| *word == "inode64" || ROOT_OUTSIDE.iter().any(|root| root == word);
    options.split(',').filter(|word| !is_of_world(word)).collect::<Vec<_>>().join(",")
}

/// The table of a world, with the labels of its numbers.
pub(crate) struct Sight {
    rows: Vec<String>,
    ids: BTreeMap<MountId, usize>,
    devices: BTreeMap<DeviceNumber, usize>,
    /// The filesystems that number their inodes alike everywhere: each by itself, from one
    numbering: BTreeSet<DeviceNumber>,
    groups: BTreeMap<PeerGroup, usize>,
}

impl Sight {
    pub(crate) fn of(table: &MountTable) -> Self {
        let mut sight = Self {
            rows: Vec::new(),
            ids: BTreeMap::new(),
            devices: BTreeMap::new(),
            numbering: BTreeSet::new(),
            groups: BTreeMap::new(),
        };
        // The root, and the procfs with whatever the machine has on it, are ignored.
        let rows: Vec<MountRow<'_>> = table.iter().filter(|row| is_on_stage(&row.mount_point())).collect();
        for (number, row) in rows.iter().enumerate() {
            sight.ids.insert(row.id(), number);
        }
        for row in rows {
            let next = sight.devices.len();
            sight.devices.entry(row.device()).or_insert(next);
            if &*row.fs_type() == "tmpfs" {
                sight.numbering.insert(row.device());
            }
            let state = row.propagation();
            for group in [state.peers, state.master, state.propagate_from].into_iter().flatten() {
                let next = sight.groups.len() + 1;
                sight.groups.entry(group).or_insert(next);
            }
            let text = format!(
                "{} on {} {} {} at {} {} {} - {} {} {}",
                sight.row(row.id()),
                sight.row(row.parent()),
                sight.device(row.device()),
                row.root().display(),
                row.mount_point().display(),
                row.attributes(),
                sight.propagation(state),
                row.fs_type().display(),
                row.source().display(),
                words(row.options()),
            );
            sight.rows.push(text);
        }
        sight
    }

    /// A line for each mount.
    pub(crate) fn rows(self) -> Vec<String> {
        self.rows
    }

    fn row(&self, id: MountId) -> String {
        self.ids.get(&id).map_or_else(|| "#?".to_owned(), |number| format!("#{number}"))
    }

    pub(crate) fn device(&self, device: DeviceNumber) -> String {
        self.devices.get(&device).map_or_else(|| "fs ?".to_owned(), |number| format!("fs {number}"))
    }

    fn propagation(&self, state: PropagationState) -> String {
        let group = |word: &str, group: Option<PeerGroup>| {
            group.map(|group| format!("{word}:{}", self.groups.get(&group).copied().unwrap_or_default()))
        };
        let words = [
            group("shared", state.peers),
            group("master", state.master),
            group("propagate_from", state.propagate_from),
            state.unbindable.then(|| "unbindable".to_owned()),
        ];
        format!("{:?}", words.into_iter().flatten().collect::<Vec<_>>())
    }

    /// Its number, where that is the same everywhere: ramfs takes the next of the whole machine.
    pub(crate) fn inode(&self, device: DeviceNumber, inode: u64) -> String {
        if self.numbering.contains(&device) { inode.to_string() } else { "?".to_owned() }
    }

    pub(crate) fn metadata(&self, of: &Metadata) -> String {
        let represents = of.represents.map(|device| device.to_string());
        format!(
            "{:?} {} inode {} mode {:o} owner {}:{} size {} links {} {represents:?}",
            of.kind,
            self.device(of.device),
            self.inode(of.device, of.inode),
            of.mode.bits(),
            of.uid,
            of.gid,
            of.size,
            of.links,
        )
    }
}
