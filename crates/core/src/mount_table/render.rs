//! A mount table as findmnt(8) draws it.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fmt;

use crate::mount::{MountId, MountInfo, PropagationState};
use crate::mount_table::{MountRow, MountTable};
use crate::path::printable;

/// A mount and its position in the tree of its table.
#[derive(Clone, Debug)]
pub struct TreeRow<'a> {
    /// The branch characters in front of it: `│ ├─`.
    pub branches: String,
    /// The number of its ancestors in the tree.
    pub depth: usize,
    /// The mount.
    pub mount: MountRow<'a>,
}

/// The heads of the columns of [`MountRow::words`].
pub const TABLE_HEADS: [&str; 5] = ["TARGET", "SOURCE", "FSTYPE", "OPTIONS", "PROPAGATION"];

impl MountTable {
    /// Every mount, each after its parent; the children of a mount in the order of the table. Mounts whose parent is
    /// not in the table are roots.
    pub fn in_tree_order(&self) -> Vec<TreeRow<'_>> {
        let mounts: Vec<MountRow<'_>> = self.iter().collect();
        let known: HashSet<MountId> = mounts.iter().map(MountRow::id).collect();
        let mut children: HashMap<Option<MountId>, Vec<usize>> = HashMap::new();
        for (index, mount) in mounts.iter().enumerate() {
            let parent = Some(mount.parent()).filter(|parent| known.contains(parent) && *parent != mount.id());
            children.entry(parent).or_default().push(index);
        }
        let mut shown = Vec::with_capacity(mounts.len());
        let mut seen = HashSet::new();
        let mut waiting: Vec<Waiting> = Vec::new();
        push_children(&mut waiting, &children, None, "", 0);
        while let Some(next) = waiting.pop() {
            // Ids are unique in a kernel's table, but not always in a text.
            if !seen.insert(next.index) {
                continue;
            }
            let mount = mounts[next.index];
            push_children(&mut waiting, &children, Some(mount.id()), &next.below, next.depth + 1);
            shown.push(TreeRow { branches: next.branches, depth: next.depth, mount });
        }
        shown
    }
}

struct Waiting {
    index: usize,
    depth: usize,
    branches: String,
    /// The prefix of its children's branches.
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

impl MountRow<'_> {
    /// As [`MountInfo::words`].
    pub fn words(&self) -> [String; 5] {
        self.to_info().words()
    }
}

impl MountInfo {
    /// The words for it under [`TABLE_HEADS`], safe for a terminal ([`printable`]): the mount point; the source,
    /// followed by the mounted subtree where that is not the whole filesystem, `/dev/sda1[/sub]`; the type; the
    /// attributes, and whether the superblock is read-only; and the propagation ([`PropagationState::words`]).
    pub fn words(&self) -> [String; 5] {
        let is_whole = self.root.as_os_str() == OsStr::new("/");
        let part = if is_whole { String::new() } else { format!("[{}]", printable(&self.root)) };
        let superblock_only = self.option("ro").is_some() && !self.attributes.is_read_only();
        let superblock = if superblock_only { " (superblock ro)" } else { "" };
        [
            printable(&self.mount_point),
            format!("{}{part}", printable(&self.source)),
            printable(&self.fs_type),
            format!("{}{superblock}", self.attributes),
            self.propagation.words(),
        ]
    }
}

impl PropagationState {
    /// The propagation, for messages: `private`, `shared:5`, `slave:5` (of that group), `shared:7,slave:5`,
    /// `unbindable`. Mounts with the same `shared` number are peers.
    pub fn words(self) -> String {
        let mut words = Vec::new();
        words.extend(self.peers.map(|group| format!("shared:{group}")));
        words.extend(self.master.map(|group| format!("slave:{group}")));
        words.extend(self.unbindable.then(|| "unbindable".to_owned()));
        if words.is_empty() { "private".to_owned() } else { words.join(",") }
    }
}

/// The table as findmnt(8) draws it: a tree, one mount a line, with [`MountRow::words`]. Lines are not cut.
///
/// ```
/// use mountwright_core::MountTable;
///
/// let table = MountTable::parse(
///     "28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n95 28 259:2 /srv /mnt ro master:1 - ext4 /dev/vda1 rw\n",
/// );
/// assert_eq!(
///     table.to_string(),
///     "TARGET  SOURCE           FSTYPE  OPTIONS      PROPAGATION\n\
///      /       /dev/vda1        ext4    rw,relatime  shared:1\n\
///      └─/mnt  /dev/vda1[/srv]  ext4    ro           slave:1\n"
/// );
/// ```
impl fmt::Display for MountTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![TABLE_HEADS.map(str::to_owned)];
        lines.extend(self.in_tree_order().into_iter().map(|TreeRow { branches, mount, .. }| {
            let mut words = mount.words();
            words[0].insert_str(0, &branches);
            words
        }));
        let widths: Vec<usize> = (0..TABLE_HEADS.len())
            .map(|column| lines.iter().map(|words| words[column].chars().count()).max().unwrap_or(0))
            .collect();
        for words in &lines {
            let mut line = String::new();
            for (word, &width) in words.iter().zip(&widths) {
                line.push_str(word);
                line.extend(std::iter::repeat_n(' ', width - word.chars().count() + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 28 0:21 / /sys rw,relatime shared:7 - sysfs sysfs rw\n\
        24 28 0:6 / /dev rw - devtmpfs udev rw\n\
        28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n\
        31 22 0:27 / /sys/fs/cgroup rw master:8 - cgroup2 cgroup2 ro\n\
        32 24 259:2 /a\\040b /dev/x\\012 rw shared:3 master:1 - ext4 /dev/nvme0n1p2 rw\n\
        33 28 0:30 / /srv rw unbindable - tmpfs  rw\n";

    #[test]
    fn children_hang_below_their_parent() {
        assert_eq!(
            MountTable::parse(TABLE).to_string(),
            "TARGET              SOURCE                FSTYPE    OPTIONS             PROPAGATION\n\
             /                   /dev/nvme0n1p2        ext4      rw,relatime         shared:1\n\
             ├─/sys              sysfs                 sysfs     rw,relatime         shared:7\n\
             │ └─/sys/fs/cgroup  cgroup2               cgroup2   rw (superblock ro)  slave:8\n\
             ├─/dev              udev                  devtmpfs  rw                  private\n\
             │ └─/dev/x\\n        /dev/nvme0n1p2[/a b]  ext4      rw                  shared:3,slave:1\n\
             └─/srv                                    tmpfs     rw                  unbindable\n"
        );
    }

    #[test]
    fn a_text_whose_parents_form_a_ring_shows_nothing_twice() {
        let ring = b"1 2 0:1 / /a rw - tmpfs a rw\n2 1 0:1 / /b rw - tmpfs b rw\n3 9 0:1 / / rw - tmpfs c rw\n\
            3 9 0:1 / / rw - tmpfs c rw\n";
        let table = MountTable::parse(ring);
        let shown = table.in_tree_order();
        assert_eq!(shown.iter().map(|shown| shown.mount.id().0).collect::<Vec<_>>(), [3, 3]);
    }
}
