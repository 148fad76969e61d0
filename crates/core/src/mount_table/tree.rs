//! The parent and child relation of the mounts of a table.

use std::collections::HashSet;

use crate::mount::MountId;
use crate::mount_table::{MountRow, MountTable};

/// The mounts of a table by parent.
pub(crate) struct MountTree<'a> {
    table: &'a MountTable,
}

impl<'a> MountTree<'a> {
    pub(crate) fn new(table: &'a MountTable) -> Self {
        Self { table }
    }

    /// The mounts whose parent it is, oldest first.
    pub(crate) fn children(&self, id: MountId) -> Vec<MountRow<'a>> {
        self.table.children(id).collect()
    }

    /// The mount and all mounts below it, each after its children: the order in which they can be unmounted one by one.
    pub(crate) fn leaves_first(&self, top: MountRow<'a>) -> Vec<MountRow<'a>> {
        let mut order = Vec::new();
        let mut seen = HashSet::from([top.id()]);
        let mut waiting = vec![top];
        // Parents come before children, then the order is reversed. A kernel has no cycle of parents, but a text can.
        while let Some(row) = waiting.pop() {
            order.push(row);
            waiting.extend(self.children(row.id()).into_iter().filter(|child| seen.insert(child.id())));
        }
        order.reverse();
        order
    }

    /// True where a lazy unmount of `top` would also unmount mounts at the peers of a mount below it, and those may be
    /// the originals of these: a mount below `top` has peers and has children.
    ///
    /// `own` is a mount whose peers can only be copies, because it was made shared for this very tree.
    pub(crate) fn reaches_peers(&self, top: MountRow<'a>, own: Option<MountId>) -> bool {
        self.leaves_first(top).iter().any(|row| {
            Some(row.id()) != own && row.propagation().peers.is_some() && !self.children(row.id()).is_empty()
        })
    }

    /// True where a look-up of its mount point ends on it.
    pub(crate) fn is_visible(&self, row: MountRow<'a>) -> bool {
        self.table.mount_at(&row.mount_point()).is_some_and(|top| top.id() == row.id())
    }

    /// True where it is a bind of a directory onto itself: it shows the same directory that it covers.
    pub(crate) fn is_onto_itself(&self, row: MountRow<'a>) -> bool {
        self.table.by_id(row.parent()).is_some_and(|parent| {
            parent.id() != row.id() && crate::mount::subpath::is_onto_itself(&row.to_info(), &parent.to_info())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> MountTable {
        MountTable::parse(
            "1 0 8:1 / / rw shared:1 - ext4 a rw\n\
             2 1 8:1 /m /m rw shared:2 - ext4 a rw\n\
             3 2 8:1 /i /m/c/rootfs rw - ext4 a rw\n\
             4 3 0:9 / /m/c/rootfs/x rw - tmpfs t rw\n\
             5 3 0:8 / /m/c/rootfs rw - tmpfs cover rw\n",
        )
    }

    fn ids(rows: &[MountRow<'_>]) -> Vec<u32> {
        rows.iter().map(|row| row.id().0).collect()
    }

    #[test]
    fn leaves_come_first() {
        let table = table();
        let tree = MountTree::new(&table);
        let order = ids(&tree.leaves_first(table.by_id(MountId(2)).unwrap()));
        assert_eq!(order.len(), 4);
        let place = |id: u32| order.iter().position(|&other| other == id).unwrap();
        assert!(place(4) < place(3) && place(5) < place(3) && place(3) < place(2));
    }

    #[test]
    fn a_cycle_of_parents_ends() {
        let table = MountTable::parse("1 2 0:1 / / rw - t a rw\n2 1 0:2 / / rw - t b rw\n");
        let tree = MountTree::new(&table);
        assert_eq!(tree.leaves_first(table.by_id(MountId(1)).unwrap()).len(), 2);
    }

    #[test]
    fn a_shared_mount_with_something_on_it_reaches_its_peers() {
        let table = table();
        let tree = MountTree::new(&table);
        let own = table.by_id(MountId(2)).unwrap();
        assert!(tree.reaches_peers(own, None));
        assert!(!tree.reaches_peers(own, Some(own.id())));
        let shared_share = MountTable::parse(
            "2 1 8:1 /m /m rw shared:2 - ext4 a rw\n\
             3 2 8:1 /i /m/c/rootfs rw shared:1 - ext4 a rw\n\
             4 3 0:9 / /m/c/rootfs/x rw shared:5 - tmpfs t rw\n",
        );
        let tree = MountTree::new(&shared_share);
        let own = shared_share.by_id(MountId(2)).unwrap();
        assert!(tree.reaches_peers(own, Some(own.id())));
        assert!(!tree.reaches_peers(shared_share.by_id(MountId(4)).unwrap(), None));
    }

    #[test]
    fn sees_binds_onto_themselves_and_what_is_covered() {
        let table = table();
        let tree = MountTree::new(&table);
        let row = |id| table.by_id(MountId(id)).unwrap();
        assert!(tree.is_onto_itself(row(2)) && !tree.is_onto_itself(row(3)) && !tree.is_onto_itself(row(1)));
        assert!(tree.is_visible(row(5)) && !tree.is_visible(row(3)) && !tree.is_visible(row(4)));
    }
}
