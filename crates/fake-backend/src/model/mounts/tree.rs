//! Mounts on mounts: parents, children, covers.

use crate::model::keys::{DentryKey, MountKey};
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;

impl Machine {
    /// Returns the mount that a path walk finds at this dentry of this mount: the lowest of a stack.
    pub(crate) fn mount_at(&self, parent: MountKey, dentry: DentryKey) -> Option<MountKey> {
        let mounted = &self.dentries[dentry].mounted;
        mounted.iter().copied().find(|&key| {
            let mount = &self.mounts[key];
            mount.visible && mount.parent == Some(parent)
        })
    }

    /// Returns the top of the stack that covers this mount, or the mount itself.
    pub(crate) fn topmost(&self, mount: MountKey) -> MountKey {
        let mut at = mount;
        while let Some(cover) = self.mounts[at].cover {
            at = cover;
        }
        at
    }

    /// Returns the top of the stack at a place.
    pub(crate) fn onto_mounts(&self, mut place: Place) -> Place {
        while let Some(mount) = self.mount_at(place.mount, place.dentry) {
            place = Place { mount, dentry: self.mounts[mount].root };
        }
        place
    }

    /// Sets the mount point; path walks do not find the mount there yet.
    pub(crate) fn set_mount_point(&mut self, child: MountKey, parent: MountKey, dentry: DentryKey) {
        self.hold_dentry(dentry);
        self.dentries[dentry].mounted.insert(0, child);
        let mount = &mut self.mounts[child];
        mount.parent = Some(parent);
        mount.shown_parent = None;
        mount.mount_point = dentry;
    }

    /// Makes path walks find the mount at its mount point, as the last of its parent's children.
    pub(crate) fn make_visible(&mut self, child: MountKey) {
        let Some(parent) = self.mounts[child].parent else { return };
        self.mounts[child].visible = true;
        if self.mounts[child].mount_point == self.mounts[parent].root {
            self.mounts[parent].cover = Some(child);
        }
        self.append_child(parent, child);
    }

    /// Attaches the mount to a dentry of `parent`.
    pub(crate) fn attach(&mut self, child: MountKey, parent: MountKey, dentry: DentryKey) {
        self.set_mount_point(child, parent, dentry);
        self.make_visible(child);
    }

    pub(crate) fn append_child(&mut self, parent: MountKey, child: MountKey) {
        let last = self.mounts[parent].last_child.replace(child);
        self.mounts[child].previous_sibling = last;
        self.mounts[child].next_sibling = None;
        match last {
            Some(last) => self.mounts[last].next_sibling = Some(child),
            None => self.mounts[parent].first_child = Some(child),
        }
    }

    /// Removes it from the list of its parent's children; it keeps its mount point.
    pub(crate) fn leave_siblings(&mut self, child: MountKey) {
        let mount = &self.mounts[child];
        let (Some(parent), previous, next) = (mount.parent, mount.previous_sibling, mount.next_sibling) else { return };
        if previous.is_none() && self.mounts[parent].first_child != Some(child) {
            return;
        }
        match previous {
            Some(previous) => self.mounts[previous].next_sibling = next,
            None => self.mounts[parent].first_child = next,
        }
        match next {
            Some(next) => self.mounts[next].previous_sibling = previous,
            None => self.mounts[parent].last_child = previous,
        }
        let mount = &mut self.mounts[child];
        mount.previous_sibling = None;
        mount.next_sibling = None;
    }

    /// Detaches it from its mount point: it is a root of its own then.
    pub(crate) fn detach(&mut self, child: MountKey) {
        let Some(parent) = self.mounts[child].parent else { return };
        self.leave_siblings(child);
        if self.mounts[parent].cover == Some(child) {
            self.mounts[parent].cover = None;
        }
        let mount = &mut self.mounts[child];
        let dentry = mount.mount_point;
        mount.parent = None;
        mount.mount_point = mount.root;
        mount.visible = false;
        self.dentries[dentry].mounted.retain(|&key| key != child);
        self.drop_dentry(dentry);
    }

    /// Moves it, with everything on it, to a dentry of `parent`.
    pub(crate) fn change_mount_point(&mut self, child: MountKey, parent: MountKey, dentry: DentryKey) {
        self.detach(child);
        self.attach(child, parent, dentry);
    }

    /// The next mount of the tree below `top`: children before siblings, in order of attachment.
    pub(crate) fn next_in_tree(&self, mount: MountKey, top: MountKey) -> Option<MountKey> {
        match self.mounts[mount].first_child {
            Some(child) => Some(child),
            None => self.next_beside(mount, top),
        }
    }

    /// The next mount of the tree below `top` that is not below `mount`.
    pub(crate) fn next_beside(&self, mount: MountKey, top: MountKey) -> Option<MountKey> {
        let mut at = mount;
        while at != top {
            if let Some(sibling) = self.mounts[at].next_sibling {
                return Some(sibling);
            }
            at = self.mounts[at].parent?;
        }
        None
    }

    /// All mounts of the tree, `top` first.
    pub(crate) fn tree(&self, top: MountKey) -> Vec<MountKey> {
        let mut all = vec![top];
        let mut at = top;
        while let Some(next) = self.next_in_tree(at, top) {
            all.push(next);
            at = next;
        }
        all
    }

    /// Returns true if `mount` is `ancestor` or on it, at any depth.
    pub(crate) fn is_mounted_on(&self, mount: MountKey, ancestor: MountKey) -> bool {
        let mut at = mount;
        loop {
            if at == ancestor {
                return true;
            }
            match self.mounts[at].parent {
                Some(parent) => at = parent,
                None => return false,
            }
        }
    }

    /// Returns true if a child below this dentry is locked to the mount: a copy without it would show what it hides.
    pub(crate) fn has_locked_children(&self, mount: MountKey, dentry: DentryKey) -> bool {
        let mut child = self.mounts[mount].first_child;
        while let Some(key) = child {
            let object = &self.mounts[key];
            if object.flags.has(MountFlags::LOCKED) && self.is_below(object.mount_point, dentry) {
                return true;
            }
            child = object.next_sibling;
        }
        false
    }
}
