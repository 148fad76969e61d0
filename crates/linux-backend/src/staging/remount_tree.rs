//! Changes to a whole tree by mount(2), in the staging directory, where they are invisible.

use std::collections::HashMap;
use std::path::Path;

use mountwright_core::mount::MountId;
use mountwright_core::{AttributeChange, Errno, MountKey, MountTable};

use crate::backend::LinuxBackend;
use crate::query::attribute_bits::ms_bits;
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::mount_key;
use crate::syscalls::abi::{MS_BIND, MS_REMOUNT, O_NOFOLLOW, O_PATH, STATX_MNT_ID};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Reach};

/// The mounts of the tree below `top`, `top` first.
pub(crate) fn tree(table: &MountTable, top: MountId) -> Vec<MountId> {
    let mut children: HashMap<MountId, Vec<MountId>> = HashMap::new();
    for row in table.iter().filter(|row| row.id() != row.parent()) {
        children.entry(row.parent()).or_default().push(row.id());
    }
    let mut tree = vec![top];
    let mut next = 0;
    while let Some(mount) = tree.get(next) {
        tree.extend(children.remove(mount).unwrap_or_default());
        next += 1;
    }
    tree
}

fn covered() -> Fault {
    Fault::new(Call::Mount, Errno::EOPNOTSUPP)
}

impl<K: Kernel> LinuxBackend<K> {
    /// Changes each mount of a staged tree separately. A kernel without `mount_setattr` lists these mounts in the mount
    /// table only.
    ///
    /// A covered mount cannot be reached, but may become visible later: `EOPNOTSUPP`.
    pub(crate) fn change_staged_tree(&self, root: &K::Fd, change: AttributeChange) -> Step<()> {
        if change.is_nothing() {
            return Ok(());
        }
        let (table, top) = (self.table()?, self.classic_mount_of(root)?);
        let gone = || Fault::new(Call::Mountinfo, Errno::ESTALE);
        let base = table.by_id(top).ok_or_else(gone)?;
        let base = base.mount_point();
        for id in tree(&table, top) {
            let row = table.by_id(id).ok_or_else(gone)?;
            let flags = MS_REMOUNT | MS_BIND | ms_bits(row.attributes().changed_by(change));
            if id == top {
                self.mount_by_flags(Reach::Descriptor(root), flags)?;
                continue;
            }
            let mount_point = row.mount_point();
            let below = mount_point.strip_prefix(&base).map_err(|_| gone())?;
            let mount = self.reach_in_tree(root, below, id)?;
            self.mount_by_flags(Reach::Descriptor(&mount), flags)?;
        }
        Ok(())
    }

    /// Opens the mount with this classic id below the top of a tree; `EOPNOTSUPP` where another one covers it.
    pub(crate) fn reach_in_tree(&self, root: &K::Fd, path: &Path, expected: MountId) -> Step<K::Fd> {
        let mount = self.mount_in_tree(root, path)?;
        if self.classic_mount_of(&mount)? == expected { Ok(mount) } else { Err(covered()) }
    }

    /// Opens the topmost mount at a path below the top of a tree.
    pub(crate) fn mount_in_tree(&self, root: &K::Fd, path: &Path) -> Step<K::Fd> {
        if path.as_os_str().is_empty() {
            return Err(covered());
        }
        self.beneath(root, path, O_PATH | O_NOFOLLOW, Crossing::Enter)
    }

    /// Returns the classic id, also where there are unique ones.
    pub(crate) fn classic_mount_of(&self, file: &K::Fd) -> Step<MountId> {
        let key = match mount_key(&self.stat_fd(file, STATX_MNT_ID)?) {
            Some(key) => key,
            None => self.mount_in_fdinfo(file)?,
        };
        match key {
            MountKey::Reused(id) => Ok(id),
            MountKey::Unique(_) => Err(Fault::new(Call::Statx, Errno::EOPNOTSUPP)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_its_top_and_all_below_whatever_their_order() {
        let table = MountTable::parse(
            "1 1 0:1 / / rw - tmpfs t rw\n9 4 0:1 / /a/b/c rw - tmpfs t rw\n4 2 0:1 / /a/b rw - tmpfs t rw\n\
             2 1 0:1 / /a rw - tmpfs t rw\n3 1 0:1 / /z rw - tmpfs t rw\n",
        );
        assert_eq!(tree(&table, MountId(2)), [MountId(2), MountId(4), MountId(9)]);
        assert_eq!(tree(&table, MountId(1)).len(), 5);
    }
}
