//! A mount table as a tree.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use mountwright_core::{MountId, MountInfo, MountTable, PropagationState};

use super::{Cell, Column, Fit, Style, TextTable, printable, printable_path};

/// A mount, where it stands in the tree.
#[derive(Clone, Debug)]
pub struct ShownMount {
    /// The branches in front of it: `│ ├─`.
    pub branches: String,
    /// How many mounts it stands on.
    pub depth: usize,
    /// The mount.
    pub mount: MountInfo,
}

/// Every mount of the table, each after the one it is mounted on: what is mounted on one place of one mount in the order of
/// their age. Mounts whose parent is not in the table are roots.
pub fn in_tree_order(table: &MountTable) -> Vec<ShownMount> {
    let mounts: Vec<MountInfo> = table.iter().map(|row| row.to_info()).collect();
    let known: HashSet<MountId> = mounts.iter().map(|mount| mount.id).collect();
    let mut children: HashMap<Option<MountId>, Vec<usize>> = HashMap::new();
    for (index, mount) in mounts.iter().enumerate() {
        let parent = Some(mount.parent).filter(|parent| known.contains(parent) && *parent != mount.id);
        children.entry(parent).or_default().push(index);
    }
    let mut shown = Vec::with_capacity(mounts.len());
    let mut seen = HashSet::new();
    let mut waiting: Vec<Waiting> = Vec::new();
    push_children(&mut waiting, &children, None, "", 0);
    while let Some(next) = waiting.pop() {
        // Ids stand twice in no kernel's table, but in a text they can.
        if !seen.insert(next.index) {
            continue;
        }
        let mount = mounts[next.index].clone();
        push_children(&mut waiting, &children, Some(mount.id), &next.below, next.depth + 1);
        shown.push(ShownMount { branches: next.branches, depth: next.depth, mount });
    }
    shown
}

struct Waiting {
    index: usize,
    depth: usize,
    branches: String,
    /// What stands in front of its children's own branches.
    below: String,
}

fn push_children(
    waiting: &mut Vec<Waiting>,
    children: &HashMap<Option<MountId>, Vec<usize>>,
    parent: Option<MountId>,
    below: &str,
    depth: usize,
) {
    let Some(indices) = children.get(&parent) else { return };
    // Last in, first out: the first child is pushed last.
    for (from_last, &index) in indices.iter().rev().enumerate() {
        let (branch, under) = match (depth, from_last) {
            (0, _) => ("", ""),
            (_, 0) => ("└─", "  "),
            _ => ("├─", "│ "),
        };
        waiting.push(Waiting { index, depth, branches: format!("{below}{branch}"), below: format!("{below}{under}") });
    }
}

/// The tree as findmnt draws it, with how each mount propagates. `styled` says how a mount is to be shown.
pub fn mount_tree(table: &MountTable, styled: impl Fn(&MountInfo) -> Style) -> TextTable {
    let mut text = TextTable::new(COLUMNS);
    for ShownMount { branches, mount, .. } in in_tree_order(table) {
        text.row(cells(&mount, branches, styled(&mount)));
    }
    text
}

/// The same as a list, in the kernel's order.
pub fn mount_list(table: &MountTable) -> TextTable {
    let mut text = TextTable::new(COLUMNS);
    for row in table.iter() {
        text.row(cells(&row.to_info(), String::new(), Style::Plain));
    }
    text
}

const COLUMNS: [Column; 5] = [
    Column::new("TARGET", Fit::CutStart, 30),
    Column::new("SOURCE", Fit::CutStart, 10),
    Column::new("FSTYPE", Fit::CutEnd, 7),
    Column::new("OPTIONS", Fit::CutEnd, 8),
    Column::new("PROPAGATION", Fit::Whole, 0),
];

fn cells(mount: &MountInfo, branches: String, style: Style) -> [Cell; 5] {
    let cell = |text: String| Cell::new(text).styled(style);
    [
        cell(printable_path(&mount.mount_point)).with_branches(branches),
        cell(source_words(mount)),
        cell(printable(&mount.fs_type)),
        cell(mount.attributes.to_string()),
        cell(propagation_words(mount.propagation)),
    ]
}

/// Where a mount comes from, as findmnt writes it: `/dev/sda1[/sub]` where only a part is mounted.
pub fn source_words(mount: &MountInfo) -> String {
    let source = printable(&mount.source);
    let root = mount.root.as_os_str();
    if root == OsStr::new("/") { source } else { format!("{source}[{}]", printable(root)) }
}

/// How a mount propagates, with the numbers of the groups: `private`, `shared:5`, `slave:5`, `shared:7,slave:5`.
pub fn propagation_words(state: PropagationState) -> String {
    let mut words = Vec::new();
    words.extend(state.peers.map(|group| format!("shared:{group}")));
    words.extend(state.master.map(|group| format!("slave:{group}")));
    if state.unbindable {
        words.push("unbindable".to_owned());
    }
    if words.is_empty() { "private".to_owned() } else { words.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Terminal;

    const TABLE: &[u8] = b"22 28 0:21 / /sys rw,relatime shared:7 - sysfs sysfs rw\n\
        24 28 0:6 / /dev rw - devtmpfs udev rw\n\
        28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n\
        31 22 0:27 / /sys/fs/cgroup ro master:8 - cgroup2 cgroup2 rw\n\
        32 24 259:2 /a\\040b /dev/x rw shared:3 master:1 - ext4 /dev/nvme0n1p2 rw\n\
        33 28 0:30 / /srv rw unbindable - tmpfs  rw\n";

    #[test]
    fn children_hang_below_their_parent() {
        let text = mount_tree(&MountTable::parse(TABLE), |_| Style::Plain).render(Terminal::PIPE);
        assert_eq!(
            text,
            "TARGET              SOURCE                FSTYPE    OPTIONS      PROPAGATION\n\
             /                   /dev/nvme0n1p2        ext4      rw,relatime  shared:1\n\
             ├─/sys              sysfs                 sysfs     rw,relatime  shared:7\n\
             │ └─/sys/fs/cgroup  cgroup2               cgroup2   ro           slave:8\n\
             ├─/dev              udev                  devtmpfs  rw           private\n\
             │ └─/dev/x          /dev/nvme0n1p2[/a b]  ext4      rw           shared:3,slave:1\n\
             └─/srv                                    tmpfs     rw           unbindable\n"
        );
    }

    #[test]
    fn it_fits_a_terminal() {
        let terminal = Terminal { width: Some(80), colour: false };
        let long =
            format!("1 0 0:1 / /{} rw,nosuid,nodev,noexec,relatime shared:1 - tmpfs tmpfs rw\n", "d".repeat(200));
        let text = mount_tree(&MountTable::parse(long), |_| Style::Plain).render(terminal);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn a_text_whose_parents_form_a_ring_shows_nothing_twice() {
        let ring = b"1 2 0:1 / /a rw - tmpfs a rw\n2 1 0:1 / /b rw - tmpfs b rw\n3 9 0:1 / / rw - tmpfs c rw\n\
            3 9 0:1 / / rw - tmpfs c rw\n";
        let shown = in_tree_order(&MountTable::parse(ring));
        assert_eq!(shown.iter().map(|shown| shown.mount.id.0).collect::<Vec<_>>(), [3, 3]);
    }
}
