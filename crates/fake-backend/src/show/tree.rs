//! The mounts as findmnt(8) draws them.

use std::collections::BTreeMap;
use std::fmt;

use mountwright_core::{MountId, MountInfo, MountTable};

use crate::FakeBackend;

/// One mount: its place in the tree, then its columns.
struct Line {
    target: String,
    source: String,
    fs_type: String,
    attributes: String,
    propagation: String,
}

const HEAD: [&str; 5] = ["TARGET", "SOURCE", "FSTYPE", "OPTIONS", "PROPAGATION"];

impl Line {
    fn of(mount: &MountInfo, branches: &str) -> Self {
        let mut source = mount.source.display().to_string();
        if mount.root.as_os_str() != "/" {
            source = format!("{source}[{}]", mount.root.display());
        }
        let superblock = if mount.option("ro").is_some() { " (superblock ro)" } else { "" };
        let state = mount.propagation.to_string();
        Self {
            target: format!("{branches}{}", mount.mount_point.display()),
            source,
            fs_type: mount.fs_type.display().to_string(),
            attributes: format!("{}{superblock}", mount.attributes),
            propagation: if state.is_empty() { "private".to_owned() } else { state },
        }
    }

    fn columns(&self) -> [&str; 5] {
        [&self.target, &self.source, &self.fs_type, &self.attributes, &self.propagation]
    }
}

/// Each mount after its parent, children in the order of the table.
fn lines(table: &MountTable) -> Vec<Line> {
    let mounts: Vec<MountInfo> = table.iter().map(|row| row.to_info()).collect();
    let listed: BTreeMap<MountId, usize> = mounts.iter().enumerate().map(|(index, mount)| (mount.id, index)).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); mounts.len()];
    let mut tops = Vec::new();
    for (index, mount) in mounts.iter().enumerate() {
        match listed.get(&mount.parent) {
            Some(&parent) if parent != index => children[parent].push(index),
            _ => tops.push(index),
        }
    }
    let mut lines = Vec::new();
    // What is left to draw, the next one last: the mount, what its line begins with, and its children's lines.
    let mut left: Vec<(usize, String, String)> =
        tops.into_iter().rev().map(|top| (top, String::new(), String::new())).collect();
    while let Some((index, own, below)) = left.pop() {
        lines.push(Line::of(&mounts[index], &own));
        for (position, &child) in children[index].iter().enumerate().rev() {
            let (branch, gap) =
                if position + 1 == children[index].len() { ("└─", "  ") } else { ("├─", "│ ") };
            left.push((child, format!("{below}{branch}"), format!("{below}{gap}")));
        }
    }
    lines
}

impl fmt::Display for FakeBackend {
    /// The mounts that the process sees, as findmnt(8) draws them, with attributes and propagation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.machine(|machine| machine.mountinfo(self.process())).map_err(|_| fmt::Error)?;
        let lines = lines(&MountTable::parse(text));
        let mut widths = HEAD.map(str::len);
        for line in &lines {
            for (width, column) in widths.iter_mut().zip(line.columns()) {
                *width = (*width).max(column.chars().count());
            }
        }
        for columns in std::iter::once(HEAD).chain(lines.iter().map(Line::columns)) {
            let mut row = String::new();
            for (column, width) in columns.iter().zip(widths) {
                row.push_str(column);
                row.extend(std::iter::repeat_n(' ', width - column.chars().count() + 1));
            }
            writeln!(f, "{}", row.trim_end())?;
        }
        Ok(())
    }
}
