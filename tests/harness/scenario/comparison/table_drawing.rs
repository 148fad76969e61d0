//! Mount tables as trees, for a person.

use std::fmt::Write as _;

use crate::scenario::snapshot::{Row, Snapshot};

/// The tables as one tree for each namespace, as `findmnt` would draw them.
///
/// A line holds the row's index, the mount point, the filesystem with the root in it, the options and the propagation. Rows
/// whose parent is in no row come first, as roots.
pub fn draw(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    for (namespace, rows) in &snapshot.0 {
        let _ = writeln!(text, "namespace {namespace}");
        for (index, row) in rows.iter().enumerate() {
            if row.pi.is_none() {
                draw_subtree(rows, index, "", "", &mut text);
            }
        }
    }
    text
}

fn draw_subtree(rows: &[Row], index: usize, branch: &str, indent: &str, text: &mut String) {
    let _ = writeln!(text, "  {branch}{}", describe(index, &rows[index]));
    // A row that is its own parent would be a world's mistake; it must not hang the report of it.
    let children: Vec<usize> = (0..rows.len()).filter(|&at| at != index && rows[at].pi == Some(index)).collect();
    for (position, &child) in children.iter().enumerate() {
        let (tee, rail) = if position + 1 == children.len() { ("└─", "  ") } else { ("├─", "│ ") };
        if indent.len() < 4 * rows.len() {
            draw_subtree(rows, child, &format!("{indent}{tee}"), &format!("{indent}{rail}"), text);
        }
    }
}

fn describe(index: usize, row: &Row) -> String {
    let mut line = format!("{}  [{index}] {}:{} {}", row.mp, row.fs, row.root, row.opts);
    let groups = [("shared", &row.shared), ("master", &row.master), ("from", &row.propagate_from)];
    for (word, group) in groups {
        if let Some(group) = group {
            let _ = write!(line, " {word}:{group}");
        }
    }
    if row.unbindable {
        line.push_str(" unbindable");
    }
    if row.sb_ro {
        line.push_str(" (superblock ro)");
    }
    line
}
