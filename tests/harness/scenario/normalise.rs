//! Conversion of a world's own numbers to labels that are the same in every run.

use std::collections::HashMap;

use super::snapshot::{Row, Snapshot};
use super::value::{MountLabel, StatValue, Value};
use super::world::{Answer, MountRow, StatAnswer, Tables};

/// The label of a filesystem.
fn filesystem_label(kind: &str, number: u64) -> String {
    format!("{kind}#{number}")
}

/// The tables with labels instead of numbers.
///
/// Peer groups are numbered by first appearance in this snapshot, over all namespaces in order.
pub(super) fn snapshot_of(tables: &Tables) -> Snapshot {
    let mut groups = HashMap::new();
    let mut label = |group: Option<u64>| {
        group.map(|group| {
            let next = groups.len() + 1;
            format!("g{}", groups.entry(group).or_insert(next))
        })
    };
    let mut first = HashMap::new();
    for row in tables.values().flatten() {
        let number = first.entry(row.device).or_insert(row.filesystem);
        *number = row.filesystem.min(*number);
    }
    let mut snapshot = Snapshot::default();
    for (&namespace, rows) in tables {
        let index: HashMap<u64, usize> = rows.iter().enumerate().map(|(at, row)| (row.id, at)).collect();
        let rows = rows.iter().map(|row| {
            let pi = index.get(&row.parent).copied();
            Row {
                mp: row.mount_point.clone(),
                parent: pi.map(|at| rows[at].mount_point.clone()),
                pi,
                root: row.root.clone(),
                fs: filesystem_label(&row.kind, first[&row.device]),
                opts: row.options.clone(),
                shared: label(row.shared),
                master: label(row.master),
                propagate_from: label(row.propagate_from),
                unbindable: row.unbindable,
                sb_ro: row.superblock_read_only,
                sb_opts: row.superblock_options.clone(),
            }
        });
        snapshot.0.insert(namespace, rows.collect());
    }
    snapshot
}

/// Labels of the inodes that a scenario has seen.
#[derive(Debug, Default)]
pub(super) struct InodeLabels(HashMap<(u64, u64), usize>);

impl InodeLabels {
    /// Returns the result with labels instead of numbers; `None` if it holds no value.
    pub(super) fn value_of(&mut self, answer: Answer, present: &[MountRow]) -> Option<Value> {
        match answer {
            Answer::Done => None,
            Answer::Names(names) => Some(Value::Names(names)),
            Answer::Text(text) => Some(Value::Text(text)),
            Answer::Attributes(attributes) => Some(Value::Attributes(attributes)),
            Answer::Stat(stat) => Some(Value::Stat(self.stat_value(stat, present))),
        }
    }

    fn stat_value(&mut self, stat: StatAnswer, present: &[MountRow]) -> StatValue {
        let next = self.0.len() + 1;
        let of_device = present.iter().find(|row| row.filesystem == stat.filesystem);
        let kind = of_device.map_or("tmpfs", |row| row.kind.as_str());
        let inode = *self.0.entry((stat.filesystem, stat.inode)).or_insert(next);
        StatValue {
            kind: stat.kind,
            fs: filesystem_label(kind, stat.filesystem),
            ino: format!("i{inode}"),
            mnt: present.iter().position(|row| row.id == stat.mount).map_or_else(MountLabel::detached, MountLabel::Row),
            mount_root: stat.mount_root,
        }
    }
}
