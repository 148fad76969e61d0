//! The mounts elsewhere that propagation unmounts too.
//!
//! The rules of Linux 6.17 and later (the kernel's `propagate_umount.txt`): what is mounted at the same dentry of every
//! receiver of the parent's events is a candidate. A candidate stays if a mount on it stays that does not cover its
//! whole root, or if it is locked to a parent that stays. A mount that covers an unmounted candidate moves to its mount
//! point.

use std::collections::BTreeSet;

use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;

/// Mounts by number, for membership only.
#[derive(Default)]
struct MountSet(BTreeSet<u32>);

impl MountSet {
    fn insert(&mut self, mount: MountKey) -> bool {
        self.0.insert(mount.number())
    }
    fn remove(&mut self, mount: MountKey) {
        self.0.remove(&mount.number());
    }
    fn has(&self, mount: MountKey) -> bool {
        self.0.contains(&mount.number())
    }
}

struct Search<'a> {
    machine: &'a mut Machine,
    /// Not yet decided; a mount that is removed from here stays.
    candidates: MountSet,
    /// Candidates with a mount below that stays; all above were examined.
    trimmed: MountSet,
    going: Vec<MountKey>,
}

impl Machine {
    /// Returns the mounts that are unmounted with `set` (already marked as unmounted). They are marked and removed from
    /// their parents' lists of children, and their covers are moved down.
    pub(crate) fn propagated_unmounts(&mut self, set: &[MountKey]) -> Vec<MountKey> {
        let candidates = self.gather_candidates(set);
        if candidates.is_empty() {
            return Vec::new();
        }
        let mut in_question = MountSet::default();
        for &mount in &candidates {
            in_question.insert(mount);
        }
        let mut search =
            Search { machine: self, candidates: in_question, trimmed: MountSet::default(), going: Vec::new() };
        let undecided: Vec<MountKey> = candidates.into_iter().filter(|&mount| search.trim(mount)).collect();
        for mount in undecided {
            search.settle_locked(mount);
        }
        let going = search.going;
        for &mount in &going {
            if let Some(cover) = self.mounts[mount].cover.filter(|&cover| !self.mounts[cover].unmounted) {
                self.slide_down(cover);
            }
        }
        going
    }

    /// Unlocks the copies at the same place in less privileged namespaces: propagation may unmount them.
    pub(crate) fn unlock_copies(&mut self, top: MountKey) {
        let Some(parent) = self.mounts[top].parent else { return };
        let mount_point = self.mounts[top].mount_point;
        for receiver in self.receivers(parent) {
            if let Some(copy) = self.mount_at(receiver, mount_point) {
                let object = &mut self.mounts[copy];
                object.flags = object.flags & !MountFlags::LOCKED;
            }
        }
    }

    /// The candidate that was found last is the first.
    fn gather_candidates(&self, set: &[MountKey]) -> Vec<MountKey> {
        let mut seen = MountSet::default();
        let mut candidates = Vec::new();
        for &mount in set {
            if !seen.insert(mount) {
                continue;
            }
            let Some(parent) = self.mounts[mount].parent else { continue };
            for receiver in self.receivers(parent) {
                let Some(child) = self.mount_at(receiver, self.mounts[mount].mount_point) else { continue };
                if seen.insert(child) && !self.mounts[child].unmounted {
                    candidates.push(child);
                }
            }
        }
        candidates.reverse();
        candidates
    }

    /// Moves a cover to the nearest mount beneath that stays, at the mount point of the lowest unmounted one.
    fn slide_down(&mut self, cover: MountKey) {
        let mut at = cover;
        while let Some(parent) = self.mounts[at].parent {
            let dentry = self.mounts[at].mount_point;
            if !self.mounts[parent].unmounted {
                self.change_mount_point(cover, parent, dentry);
                return;
            }
            at = parent;
        }
    }
}

impl Search<'_> {
    fn goes(&mut self, mount: MountKey) {
        self.machine.mounts[mount].unmounted = true;
        self.machine.leave_siblings(mount);
        self.candidates.remove(mount);
        self.going.push(mount);
    }

    /// Decides by the children. Returns true if the mount is still undecided.
    fn trim(&mut self, mount: MountKey) -> bool {
        if !self.candidates.has(mount) {
            return false;
        }
        let object = &self.machine.mounts[mount];
        let (cover, locked) = (object.cover, object.flags.has(MountFlags::LOCKED));
        let no_children = object.first_child.is_none();
        let mut something_stays = false;
        let mut stays = false;
        let mut child = object.first_child;
        while let Some(key) = child {
            if !self.candidates.has(key) {
                something_stays = true;
                if Some(key) != cover {
                    stays = true;
                    break;
                }
            }
            child = self.machine.mounts[key].next_sibling;
        }
        if something_stays {
            self.trim_ancestors(mount);
        } else if !locked && no_children {
            self.goes(mount);
            return false;
        }
        if stays {
            self.candidates.remove(mount);
        }
        !stays
    }

    /// A child of this one stays: so does every candidate beneath that the child does not cover whole.
    fn trim_ancestors(&mut self, mount: MountKey) {
        let mut at = mount;
        while let Some(parent) = self.machine.mounts[at].parent {
            if !self.candidates.has(parent) || !self.trimmed.insert(at) {
                return;
            }
            if self.machine.mounts[parent].cover != Some(at) {
                self.candidates.remove(parent);
            }
            at = parent;
        }
    }

    /// Decides for a mount and the candidates beneath it: those that are locked only to unmounted ones are unmounted.
    fn settle_locked(&mut self, mount: MountKey) {
        if !self.candidates.has(mount) {
            return;
        }
        let mut chain = Vec::new();
        let mut at = Some(mount);
        // The number of mounts, from the top of the chain, that are unmounted.
        let mut cut = 0;
        while let Some(key) = at.filter(|&key| self.candidates.has(key)) {
            self.candidates.remove(key);
            chain.push(key);
            if !self.machine.mounts[key].flags.has(MountFlags::LOCKED) {
                cut = chain.len();
            }
            at = self.machine.mounts[key].parent;
        }
        if at.is_some_and(|key| self.machine.mounts[key].unmounted) {
            cut = chain.len();
        }
        for &key in &chain[..cut] {
            self.goes(key);
        }
    }
}
