//! A mount table, fitted to a terminal.

use mountwright_core::MountTable;
use mountwright_core::mount_table::{MountRow, TABLE_HEADS, TreeRow};

use super::{Cell, Column, Fit, Style, TextTable};

/// The tree as findmnt draws it, with who shares with whom. `styled` says how a mount is to be shown.
pub fn mount_tree(table: &MountTable, styled: impl Fn(&MountRow<'_>) -> Style) -> TextTable {
    let mut text = TextTable::new(columns());
    for TreeRow { branches, mount, .. } in table.in_tree_order() {
        text.row(cells(&mount, branches, styled(&mount)));
    }
    text
}

/// The same as a list, in the kernel's order.
pub fn mount_list(table: &MountTable) -> TextTable {
    let mut text = TextTable::new(columns());
    for row in table.iter() {
        text.row(cells(&row, String::new(), Style::Plain));
    }
    text
}

fn columns() -> [Column; 5] {
    let [target, source, fs_type, options, propagation] = TABLE_HEADS;
    [
        Column::new(target, Fit::CutMiddle, 24),
        Column::new(source, Fit::CutMiddle, 12),
        Column::new(fs_type, Fit::CutEnd, 7),
        Column::new(options, Fit::CutEnd, 11),
        Column::new(propagation, Fit::Whole, 0),
    ]
}

fn cells(mount: &MountRow<'_>, branches: String, style: Style) -> [Cell; 5] {
    let [target, source, fs_type, options, propagation] = mount.words().map(|word| Cell::new(word).styled(style));
    [target.with_branches(branches), source, fs_type, options, propagation]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Terminal;

    const LINE: &str = "1 0 0:1 / /mnt/nas/projects/2026/deep/reports rw,nosuid,nodev,noexec,relatime shared:1 - nfs4 \
        nas.example.org:/export/projects rw\n";

    #[test]
    fn through_a_pipe_it_is_as_the_table_prints() {
        let table = MountTable::parse(LINE);
        assert_eq!(mount_tree(&table, |_| Style::Plain).render(Terminal::PIPE), table.to_string());
    }

    #[test]
    fn it_fits_any_terminal() {
        let table = MountTable::parse(LINE);
        for width in 1..200 {
            let text = mount_tree(&table, |_| Style::Plain).render(Terminal { width: Some(width), colour: false });
            assert!(text.lines().all(|line| crate::show::width_of(line) <= width), "{width}:\n{text}");
        }
    }
}
