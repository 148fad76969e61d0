//! The state of a machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mountwright_core::mount::PeerGroup;
use mountwright_core::{DeviceNumber, MountInfo, MountTable};
use mountwright_linux::abi::{S_IFMT, S_IFREG};
use mountwright_linux::{At, Kernel};
use mountwright_tests::machine::walk;

use crate::ground::{Ground, SANDBOX};

/// One name: what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) mode: u32,
    pub(crate) gid: u32,
    /// Of a file its bytes, of a symlink where it points.
    pub(crate) bytes: Vec<u8>,
}

impl Found {
    fn text(&self) -> Option<&[u8]> {
        (self.mode & S_IFMT == S_IFREG && !self.bytes.is_empty()).then_some(&self.bytes)
    }
}

/// The state of a machine: names and bytes below `/w` as a walk sees them, and the mounts there, of both processes.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) names: BTreeMap<PathBuf, Found>,
    pub(crate) here: Vec<MountInfo>,
    pub(crate) elsewhere: Vec<MountInfo>,
    descriptors: usize,
}

/// A mount without its ids: devices and peer groups are called by where they are first seen, so that two runs can be
/// compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MountLine {
    pub(crate) mount_point: PathBuf,
    pub(crate) rest: String,
}

/// The lines of both processes.
pub(crate) struct Lines {
    pub(crate) here: Vec<MountLine>,
    pub(crate) elsewhere: Vec<MountLine>,
}

impl State {
    pub(crate) fn of(ground: &impl Ground) -> Self {
        let calls = ground.calls();
        let mut names = BTreeMap::new();
        walk(&calls, At::Cwd, Path::new("/w"), &mut |path, stat, bytes| {
            names.insert(path.to_owned(), Found { mode: stat.mode.into(), gid: stat.gid, bytes });
        });
        let here = mounts(calls.mountinfo().expect("the table can be read"));
        Self { names, here, elsewhere: mounts(ground.elsewhere()), descriptors: ground.descriptors() }
    }

    /// Returns true if the mounts are the same, with their numbers.
    pub(crate) fn has_same_mounts(&self, other: &Self) -> bool {
        (&self.here, &self.elsewhere) == (&other.here, &other.elsewhere)
    }

    pub(crate) fn lines(&self) -> Lines {
        let mut called = Called::default();
        let mut lines = |mounts: &[MountInfo]| mounts.iter().map(|mount| called.line(mount)).collect();
        Lines { here: lines(&self.here), elsewhere: lines(&self.elsewhere) }
    }

    /// The state without what is below the sandbox's directory.
    pub(crate) fn outside(&self) -> Self {
        let names = self.names_outside().map(|(path, found)| (path.clone(), found.clone())).collect();
        let [here, elsewhere] = [&self.here, &self.elsewhere].map(|mounts| mounts_outside(mounts).cloned().collect());
        Self { names, here, elsewhere, descriptors: self.descriptors }
    }

    /// Checks that nothing outside the sandbox's directory has changed since `before`.
    pub(crate) fn same_outside(&self, when: &str, before: &Self) -> Result<(), String> {
        let are_same = |mounts, before| mounts_outside(mounts).eq(mounts_outside(before));
        let is_same = self.names_outside().eq(before.names_outside())
            && are_same(&self.here, &before.here)
            && are_same(&self.elsewhere, &before.elsewhere)
            && self.descriptors == before.descriptors;
        // Numbers may differ where the mounts are the same.
        if is_same { Ok(()) } else { same(when, &before.outside(), &self.outside()) }
    }

    fn names_outside(&self) -> impl Iterator<Item = (&PathBuf, &Found)> {
        self.names.iter().filter(|(path, _)| !is_inside(path))
    }

    /// The state without temporary files that a process was writing when it died: no reader looks at them, and no
    /// process removes them.
    pub(crate) fn without_passing_names(mut self) -> Self {
        let is_passing = |path: &Path| {
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".mountwright-new-"))
        };
        self.names.retain(|path, _| !is_passing(path));
        self
    }

    /// Every text that a file holds.
    pub(crate) fn texts(&self) -> BTreeSet<&[u8]> {
        self.names.values().filter_map(Found::text).collect()
    }

    /// The same, outside the sandbox's directory.
    pub(crate) fn texts_outside(&self) -> BTreeSet<&[u8]> {
        self.names_outside().filter_map(|(_, found)| found.text()).collect()
    }

    /// Returns the differences between `self` and `then`, as text.
    pub(crate) fn changes(&self, then: &Self) -> Vec<String> {
        let mut changes = self.changes_but_for_mounts(then);
        changes.extend(self.lines().changes(&then.lines()));
        changes
    }

    /// Returns the other differences between `self` and `then`.
    pub(crate) fn changes_but_for_mounts(&self, then: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (self.names.iter().collect(), then.names.iter().collect());
        changes.extend(before.difference(&after).map(|(path, _)| format!("- {}", path.display())));
        changes.extend(after.difference(&before).map(|(path, _)| format!("+ {}", path.display())));
        if self.descriptors != then.descriptors {
            changes.push(format!("descriptors {} -> {}", self.descriptors, then.descriptors));
        }
        changes
    }
}

impl Lines {
    /// Returns the differences between the mounts, as text.
    pub(crate) fn changes(&self, then: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for (what, before, after) in
            [("mount", &self.here, &then.here), ("mount elsewhere", &self.elsewhere, &then.elsewhere)]
        {
            changes.extend(less(before, after).iter().map(|mount| format!("- {what} {mount:?}")));
            changes.extend(less(after, before).iter().map(|mount| format!("+ {what} {mount:?}")));
        }
        changes
    }
}

/// Returns the lines of `of` that `without` lacks; a repeated line counts each time.
pub(crate) fn less(of: &[MountLine], without: &[MountLine]) -> Vec<MountLine> {
    let mut rest = without.to_vec();
    let mut more = Vec::new();
    for line in of {
        match rest.iter().position(|other| other == line) {
            Some(index) => drop(rest.swap_remove(index)),
            None => more.push(line.clone()),
        }
    }
    more
}

fn is_inside(path: &Path) -> bool {
    path.starts_with(SANDBOX) && path != Path::new(SANDBOX)
}

fn mounts_outside(mounts: &[MountInfo]) -> impl Iterator<Item = &MountInfo> {
    mounts.iter().filter(|mount| !is_inside(&mount.mount_point))
}

/// Checks that two states are the same.
pub(crate) fn same(when: &str, before: &State, after: &State) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    let changes = before.changes(after);
    if changes.is_empty() { Ok(()) } else { Err(format!("{when}: {}", changes.join(", "))) }
}

#[derive(Default)]
struct Called {
    devices: BTreeMap<DeviceNumber, PathBuf>,
    groups: BTreeMap<PeerGroup, PathBuf>,
}

impl Called {
    fn line(&mut self, mount: &MountInfo) -> MountLine {
        let device = self.devices.entry(mount.device).or_insert_with(|| mount.mount_point.clone()).clone();
        let mut group = |group: Option<PeerGroup>| {
            group.map(|group| self.groups.entry(group).or_insert_with(|| mount.mount_point.clone()).clone())
        };
        let (peers, master) = (group(mount.propagation.peers), group(mount.propagation.master));
        let (root, device) = (mount.root.display(), device.display());
        let rest = format!("{root} of {device} {} peers {peers:?} master {master:?}", mount.attributes);
        MountLine { mount_point: mount.mount_point.clone(), rest }
    }
}

fn mounts(table: Vec<u8>) -> Vec<MountInfo> {
    let table = MountTable::parse(table);
    let mut mounts: Vec<_> = table.iter().map(|row| row.to_info()).collect();
    mounts.retain(|mount| mount.mount_point.starts_with("/w"));
    // Stable: of a stack, the lower one comes first.
    mounts.sort_by(|one, other| one.mount_point.cmp(&other.mount_point));
    mounts
}
