//! Contradictions between two lines of one host.

use std::collections::BTreeMap;

use mountwright_core::mount::{MountId, PeerGroup, PropagationState};

use crate::host::host_error::HostError;
use crate::host::mount_row::Row;

fn contradiction(one: &Row, other: &Row, what: &'static str) -> HostError {
    let (first, second) = if one.line.number <= other.line.number { (one, other) } else { (other, one) };
    HostError::Contradiction { first: first.line.clone(), second: second.line.clone(), what }
}

/// Finds the first contradiction.
///
/// # Errors
/// The two lines.
pub(crate) fn check(rows: &[Row]) -> Result<(), HostError> {
    let by_id = ids(rows)?;
    devices(rows)?;
    parents(rows, &by_id)?;
    places(rows, &by_id)?;
    groups(rows)
}

fn ids(rows: &[Row]) -> Result<BTreeMap<MountId, &Row>, HostError> {
    let mut by_id = BTreeMap::new();
    for row in rows {
        if let Some(first) = by_id.insert(row.mount.id, row) {
            return Err(contradiction(first, row, "two mounts have one id"));
        }
    }
    Ok(by_id)
}

/// One device number is one superblock.
fn devices(rows: &[Row]) -> Result<(), HostError> {
    let mut seen: BTreeMap<_, &Row> = BTreeMap::new();
    for row in rows {
        let first = *seen.entry(row.mount.device).or_insert(row);
        if first.fs_type() != row.fs_type() {
            return Err(contradiction(first, row, "one device has two types of filesystem"));
        }
        if first.is_superblock_read_only() != row.is_superblock_read_only() {
            return Err(contradiction(first, row, "one superblock is both read-only and writable"));
        }
        // btrfs alone shows options of the root that is mounted: its subvolume.
        let by_root = row.fs_type() == b"btrfs" && first.root() != row.root();
        if first.options() != row.options() && !by_root {
            return Err(contradiction(first, row, "one superblock has two sets of options"));
        }
    }
    Ok(())
}

fn parents(rows: &[Row], by_id: &BTreeMap<MountId, &Row>) -> Result<(), HostError> {
    for row in rows {
        let parent = by_id.get(&row.mount.parent).filter(|_| !row.is_own_parent());
        let Some(parent) = parent else { continue };
        if row.names_below(parent).is_none() {
            return Err(contradiction(parent, row, "a mount is not below the mount that it is mounted on"));
        }
        let mut above = *parent;
        // A chain of parents that is longer than the number of rows is a cycle.
        for _ in 0..rows.len() {
            match by_id.get(&above.mount.parent).filter(|_| !above.is_own_parent()) {
                Some(next) if next.mount.id == row.mount.id => {
                    return Err(contradiction(row, above, "each is mounted on the other"));
                }
                Some(next) => above = next,
                None => break,
            }
        }
    }
    Ok(())
}

/// One parent has one mount at one place, and one mount is the root.
fn places(rows: &[Row], by_id: &BTreeMap<MountId, &Row>) -> Result<(), HostError> {
    let mut taken: BTreeMap<(Option<MountId>, &[u8]), &Row> = BTreeMap::new();
    for row in rows {
        let parent = Some(row.mount.parent).filter(|parent| by_id.contains_key(parent) && !row.is_own_parent());
        if parent.is_none() && row.mount_point() != b"/" {
            continue;
        }
        if let Some(first) = taken.insert((parent, row.mount_point()), row) {
            let what = match parent {
                Some(_) => "two mounts are mounted on one place of one mount",
                None => "two mounts are the lowest at /",
            };
            return Err(contradiction(first, row, what));
        }
    }
    Ok(())
}

/// Peers are mounts of one filesystem, with one master; slaves are of their master's filesystem.
fn groups(rows: &[Row]) -> Result<(), HostError> {
    let mut members: BTreeMap<PeerGroup, &Row> = BTreeMap::new();
    for (row, group) in rows.iter().filter_map(|row| Some((row, row.mount.propagation.peers?))) {
        let first = *members.entry(group).or_insert(row);
        if first.mount.device != row.mount.device {
            return Err(contradiction(first, row, "one peer group has mounts of two filesystems"));
        }
        let masters = |state: PropagationState| (state.master, state.propagate_from);
        if masters(first.mount.propagation) != masters(row.mount.propagation) {
            return Err(contradiction(first, row, "one peer group has two masters"));
        }
    }
    let mut slaves: BTreeMap<PeerGroup, &Row> = BTreeMap::new();
    for (row, group) in rows.iter().filter_map(|row| Some((row, row.mount.propagation.master?))) {
        let from = row.mount.propagation.propagate_from;
        let relative = match members.get(&group) {
            Some(master) => *master,
            None => *slaves.entry(group).or_insert(row),
        };
        if relative.mount.device != row.mount.device {
            return Err(contradiction(relative, row, "a slave is not of its master's filesystem"));
        }
        if from.is_some() && members.contains_key(&group) {
            return Err(contradiction(
                relative,
                row,
                "the master can be seen, so nothing stands between it and the slave",
            ));
        }
        if !members.contains_key(&group) && relative.mount.propagation.propagate_from != from {
            return Err(contradiction(relative, row, "one master receives from two groups"));
        }
        // A group without a line was cut off, or is on mounts that this process does not see.
        let source = from.and_then(|from| members.get(&from)).filter(|source| source.mount.device != row.mount.device);
        if let Some(source) = source {
            return Err(contradiction(source, row, "a slave is not of its master's filesystem"));
        }
    }
    cycles(rows, &members)
}

/// No group receives events from itself through its masters.
fn cycles(rows: &[Row], members: &BTreeMap<PeerGroup, &Row>) -> Result<(), HostError> {
    for row in rows {
        let mut above = row;
        for _ in 0..rows.len() {
            let state = above.mount.propagation;
            let Some(next) = state.propagate_from.or(state.master).and_then(|group| members.get(&group)) else { break };
            if row.mount.propagation.peers.is_some() && next.mount.propagation.peers == row.mount.propagation.peers {
                return Err(contradiction(row, above, "each peer group receives from the other"));
            }
            above = next;
        }
    }
    Ok(())
}
