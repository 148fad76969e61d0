//! Mounts and files of others: nothing of them may change.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::Host;
use crate::operations::VOLUME;
use crate::seen::{FileSeen, MountSeen, Seen, files, mounts};

/// Places with files of others alone; on the first two the library mounts nothing.
const PLACES: [&str; 3] = ["/h/", "/w/srv/", "/w/sb/strange"];

/// The mounts and files of others at one moment.
pub(crate) struct Foreign {
    before: Seen,
    /// The files before the operation began.
    start: BTreeMap<String, FileSeen>,
    /// Their mounts: namespace and id.
    mounts: BTreeSet<(bool, u32)>,
    /// Their peer groups.
    groups: BTreeSet<u32>,
}

/// A mount of others went because a mount of theirs on one of ours, its peer, was unmounted with ours.
pub(crate) const WITH_ITS_PEER: &str = "unmounted-with-its-peer";
/// A mount of ours lies on a mount of others, and so on the peers of that one.
pub(crate) const ON_PEERS: &str = "mounted-at-the-peers-of-another";

/// A violation, and what shows it.
pub(crate) type Harm = (&'static str, String);

impl Foreign {
    /// The mounts and files of others after their act: those of the machine as it was built, and those they have just
    /// made.
    pub(crate) fn of(built: &Host, start: &Host, [before, after]: &[Host; 2]) -> Self {
        let after = Seen::of(after);
        let ids = |all: Vec<MountSeen>| all.into_iter().map(|mount| (mount.here, mount.id)).collect::<BTreeSet<_>>();
        let (built, before) = (ids(mounts(built)), ids(mounts(before)));
        let is_theirs = |mount: &&MountSeen| {
            let id = (mount.here, mount.id);
            built.contains(&id) || !before.contains(&id)
        };
        let theirs: Vec<_> = after.mounts.iter().filter(is_theirs).collect();
        let groups = theirs.iter().filter_map(|mount| mount.peers).collect();
        let mounts = theirs.iter().map(|mount| (mount.here, mount.id)).collect();
        Self { mounts, groups, before: after, start: files(start) }
    }

    /// Returns every change to the mounts and files of others.
    pub(crate) fn harm(&self, host: &Host) -> Vec<Harm> {
        let after = Seen::of(host);
        let mut harm = Vec::new();
        // Copies of their mounts in the staging directory appear and disappear with the library's own.
        let is_staged = |mount: &MountSeen| mount.point.starts_with("/run/.mountwright-");
        let theirs = |mount: &&MountSeen| self.mounts.contains(&(mount.here, mount.id)) && !is_staged(mount);
        for old in self.before.mounts.iter().filter(theirs) {
            match after.mounts.iter().find(|new| (new.here, new.id) == (old.here, old.id)) {
                // A mount of others on a mount of the library's is unmounted with it: documented.
                None if self.is_on_ours(old) => {}
                None if self.has_a_peer_on_ours(old) => harm.push((WITH_ITS_PEER, format!("{old:?}"))),
                None => harm.push(("foreign-mount-unmounted", format!("{old:?}"))),
                Some(new) if new.peers != old.peers || new.master != old.master => {
                    harm.push(("foreign-propagation-changed", format!("{old:?} is {new:?}")));
                }
                Some(new) if new.attributes != old.attributes => {
                    harm.push(("foreign-attributes-changed", format!("{old:?} is {new:?}")));
                }
                Some(_) => {}
            }
        }
        let old = |mount: &MountSeen| self.before.mounts.iter().any(|old| (old.here, old.id) == (mount.here, mount.id));
        for new in after.mounts.iter().filter(|mount| !old(mount)) {
            if PLACES[..2].iter().any(|place| new.point.starts_with(place)) {
                let name = if self.is_a_copy_at_peers(new, &after) { ON_PEERS } else { "source-covered" };
                harm.push((name, format!("{new:?}")));
            }
            if new.peers.is_some_and(|group| self.groups.contains(&group)) {
                harm.push(("peer-of-source", format!("{new:?}")));
            }
        }
        self.files(&after, &mut harm);
        harm
    }

    /// True if it is mounted on a mount of the library's, perhaps with others in between.
    fn is_on_ours(&self, mount: &MountSeen) -> bool {
        let above = |mount: &MountSeen| {
            let parent = (mount.here, mount.parent);
            self.before.mounts.iter().find(|other| (other.here, other.id) == parent && other.id != mount.id)
        };
        std::iter::successors(above(mount), |mount| above(mount))
            .any(|parent| !self.mounts.contains(&(parent.here, parent.id)))
    }

    fn has_a_peer_on_ours(&self, mount: &MountSeen) -> bool {
        let is_peer = |other: &&MountSeen| mount.peers.is_some() && other.peers == mount.peers;
        self.before.mounts.iter().filter(is_peer).any(|other| self.is_on_ours(other))
    }

    /// True if the same is mounted on a mount of others elsewhere, one that they have mounted where the library works.
    fn is_a_copy_at_peers(&self, mount: &MountSeen, after: &Seen) -> bool {
        let is_same = |other: &&MountSeen| (&other.root, &other.source) == (&mount.root, &mount.source);
        let works_there = |other: &&MountSeen| !PLACES.iter().any(|place| other.point.starts_with(place));
        let mut others = after.mounts.iter().filter(is_same).filter(works_there);
        others.any(|other| self.mounts.contains(&(other.here, other.parent)) && other.covers_one(after))
    }

    fn files(&self, after: &Seen, harm: &mut Vec<Harm>) {
        let theirs = |path: &&String| PLACES.iter().any(|place| path.starts_with(place));
        for (path, old) in self.before.files.iter().filter(|(path, _)| theirs(path)) {
            match after.files.get(path) {
                None => harm.push(("foreign-file-removed", path.clone())),
                Some(new) if (new.mode, new.gid) != (old.mode, old.gid) => {
                    harm.push(("foreign-mode-changed", format!("{path}: {old:?} is {new:?}")));
                }
                Some(new) if new.contents != old.contents => {
                    harm.push(("foreign-bytes-changed", path.clone()));
                }
                Some(_) => {}
            }
        }
        for path in after.files.keys().filter(theirs).filter(|path| !self.before.files.contains_key(*path)) {
            harm.push(("foreign-directory-written", path.clone()));
        }
        // In a volume each file has its own mode, or the one that fsGroup makes of it.
        for old in self.start.iter().filter(|(path, _)| path.starts_with(VOLUME)).map(|(_, old)| old) {
            let now = after.files.iter().filter(|(path, _)| path.starts_with("/w/"));
            let Some((path, new)) = now.clone().find(|(_, new)| new.inode == old.inode) else { continue };
            let own = |mode: u16| mode == old.mode || mode & !0o7777 == old.mode & !0o7777 && is_own(old.mode, mode);
            if !own(new.mode) {
                harm.push(("mode-of-another-file", format!("{path}: {:o} became {:o}", old.mode, new.mode)));
            }
        }
    }
}

/// True if a group's bits and the loss of set-id bits lead from one mode to the other.
fn is_own(old: u16, new: u16) -> bool {
    let added = new & !old;
    let lost = old & !new;
    added & !0o2070 == 0 && lost & !0o6000 == 0
}
