//! Copies of mounts and of trees of mounts.

use mountwright_core::Errno;

use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;

/// The propagation of a copied tree.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CopyKind {
    /// The copy is a slave of the original instead of a peer.
    pub(crate) slave: bool,
    /// The copy is shared, with a group of its own when it would have none.
    pub(crate) make_shared: bool,
    /// Unbindable mounts are copied too (as private ones): for a new namespace.
    pub(crate) with_unbindable: bool,
}

impl Machine {
    /// A copy of one mount, from `root` on.
    pub(crate) fn copy_mount(&mut self, original: MountKey, root: DentryKey, kind: CopyKind) -> MountKey {
        let old = &self.mounts[original];
        let flags = old.flags & !MountFlags::LOCKED;
        let (superblock, source, captured) = (old.superblock, old.source.clone(), old.captured.clone());
        let id_map = old.id_map;
        let copy = self.new_mount(superblock, root, flags, source);
        self.mounts[copy].id_map = id_map;
        self.mounts[copy].captured = captured.filter(|line| line.has_unknown_words());

        let old_group = self.mounts[original].group;
        if !kind.slave {
            self.mounts[copy].group = old_group;
        }
        if kind.make_shared && self.mounts[copy].group == 0 {
            self.mounts[copy].group = self.group_ids.take();
        }
        if self.mounts[copy].group != 0 {
            self.mark_shared(copy);
        }
        if self.are_peers(copy, original) {
            self.join_peers(copy, original);
        }
        if kind.slave && old_group != 0 {
            self.become_first_slave(copy, original);
        } else if self.mounts[original].master.is_some() {
            self.become_slave_behind(copy, original);
        }
        copy
    }

    /// Copies a mount from `root` on, with the mounts below; unbindable mounts are left out with everything on them.
    ///
    /// # Errors
    /// `EINVAL`: the mount itself is unbindable. `EPERM`: one below is both unbindable and locked.
    pub(crate) fn copy_tree(&mut self, top: MountKey, root: DentryKey, kind: CopyKind) -> Result<MountKey, Errno> {
        if !kind.with_unbindable && self.mounts[top].unbindable {
            return Err(Errno::EINVAL);
        }
        let copy_top = self.copy_mount(top, root, kind);
        let mut child = self.mounts[top].first_child;
        while let Some(child_top) = child {
            child = self.mounts[child_top].next_sibling;
            if !self.is_below(self.mounts[child_top].mount_point, root) {
                continue;
            }
            if let Err(errno) = self.copy_branch(child_top, copy_top, kind) {
                self.discard_tree(copy_top);
                return Err(errno);
            }
        }
        Ok(copy_top)
    }

    /// Copies a child of `top`, and all that is on it, onto the copy of `top`.
    fn copy_branch(&mut self, branch: MountKey, onto: MountKey, kind: CopyKind) -> Result<(), Errno> {
        // Originals from the branch's root down to the last one copied, each with its copy.
        let mut trail: Vec<(MountKey, MountKey)> = Vec::new();
        let mut next = Some(branch);
        while let Some(original) = next {
            let object = &self.mounts[original];
            if !kind.with_unbindable && object.unbindable {
                if object.flags.has(MountFlags::LOCKED) {
                    return Err(Errno::EPERM);
                }
                next = self.next_beside(original, branch);
                continue;
            }
            let (parent, mount_point, root) = (object.parent, object.mount_point, object.root);
            let locked = object.flags & MountFlags::LOCKED;
            while trail.last().is_some_and(|(above, _)| Some(*above) != parent) {
                trail.pop();
            }
            let parent_copy = trail.last().map_or(onto, |(_, copy)| *copy);
            let copy = self.copy_mount(original, root, kind);
            self.mounts[copy].flags |= locked;
            self.attach(copy, parent_copy, mount_point);
            trail.push((original, copy));
            next = self.next_in_tree(original, branch);
        }
        Ok(())
    }
}
