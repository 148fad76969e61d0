//! Mounts and files of others beside a sandbox, and what has become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::Path;

use mountwright_core::MountTable;
use mountwright_core::mount::{MountId, MountInfo};
use mountwright_linux::{At, Linux};
use mountwright_tests::elsewhere::Elsewhere;
use mountwright_tests::machine::{furnish, mountinfo, walk};
use mountwright_tests::searched::FileSeen;
use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;

use super::life::SHARED;

/// The mounts and files that stay from life to life.
const SOURCES: &str = "
    dir /h
    mount tmpfs strange /h
    shared / /h
    dir /h/rootfs /h/rootfs/etc /h/data /h/data/x /h/snap /h/snap/x
    file /h/config settings
    file /h/rootfs/etc/passwd root
    file /h/data/bytes data";
const FILES: &str = "
    dir /w/sb /w/sb/empty /w/srv /w/srv/spool /w/beside /w/sb/strange /w/sb/peer /w/sb/slave /w/sb/read-only /w/sb/stack
    dir /w/sb/none /run/strange /run/.mountwright-staging-x
    file /w/sb/note bytes
    file /w/sb/nothing
    file /w/sb/file covered
    file /w/note bytes
    file /run/note bytes
    file /w/srv/lock";
/// In the sandbox's own directories, in half of the lives.
const CROWD: &str = "
    dir /w/sb/mounts /w/sb/mounts/c1 /w/sb/mounts/c9 /w/sb/shared /w/sb/shared/c1
    file /w/sb/mounts/note bytes
    file /w/sb/mounts/c1/kept bytes
    file /w/sb/mounts/c9/config bytes
    file /w/sb/shared/c1/note bytes";
const STRANGERS: &str = "
    mount tmpfs strange /w/beside /w/sb/strange /w/sb/peer /w/sb/stack /w/sb/stack /run/strange
    private /w/sb/strange
    shared /w/sb/peer
    bind /h/data /w/sb/slave /w/sb/read-only
    slave /w/sb/slave
    read-only /w/sb/read-only
    bind /h/config /w/sb/file
    file /w/sb/strange/note bytes";
/// The filesystems, each looked at through a copy on which nothing is mounted.
const TOPS: [&str; 4] = ["/", "/h", "/run", "/w"];

/// A mount of others on the directory that the guest sees: its name, and its lines.
pub(super) struct OnShared(pub(super) &'static str, &'static str);

/// Each kind; the first is none.
pub(super) const ON_SHARED: [OnShared; 7] = [
    OnShared("nothing", ""),
    OnShared("a private mount", "mount tmpfs strange /w/sb/shared\nprivate /w/sb/shared"),
    OnShared("a shared mount", "mount tmpfs strange /w/sb/shared\nshared /w/sb/shared"),
    OnShared("a slave of the same group", "bind /w/srv /w/sb/shared\nslave /w/sb/shared"),
    OnShared("a read-only bind", "bind /h/data /w/sb/shared\nread-only /w/sb/shared"),
    OnShared("a stack", "bind /w/srv /w/sb/shared\nmount tmpfs strange /w/sb/shared"),
    OnShared(
        "a slave with a mount in it",
        "bind /w/srv /w/sb/shared\nslave /w/sb/shared\nmount tmpfs strange /w/sb/shared/spool",
    ),
];

impl OnShared {
    /// Makes it. A directory that is not there is made as another process would.
    pub(super) fn make(&self) {
        if !self.1.is_empty() && !Path::new(SHARED).exists() {
            furnish(&format!("dir {SHARED}"));
        }
        furnish(self.1);
    }
}

/// Unmounts all that is on what is made anew for each life.
fn clear() {
    furnish("clear /w /run");
}

/// The machine, with a peer of each of its shared mounts in another namespace.
pub(super) struct Neighbourhood {
    elsewhere: Elsewhere,
}

impl Neighbourhood {
    /// In a fresh root of this thread: what stays as it is from life to life.
    pub(super) fn new() -> Self {
        clear();
        furnish(SOURCES);
        Self { elsewhere: Elsewhere::enter() }
    }

    /// Makes everything else anew, with all mounts of others.
    pub(super) fn furnish(&self, made_shared: bool, crowded: bool) {
        clear();
        self.elsewhere.does(clear);
        furnish("clear /h/data/x; mount tmpfs strange /w /run /h/data/x");
        if made_shared {
            furnish("private /w");
        }
        furnish(FILES);
        if crowded {
            furnish(CROWD);
        }
        furnish(STRANGERS);
    }

    /// Everything as it is.
    pub(super) fn look(&self) -> Sight {
        let mut files = BTreeMap::new();
        for top in TOPS {
            walk(&Linux::new(), At::Fd(&bare(top)), Path::new("."), &mut |path, stat, contents| {
                let path =
                    format!("{}/{}", top.trim_end_matches('/'), path.strip_prefix(".").unwrap_or(path).display());
                let seen = FileSeen { mode: stat.mode, owner: (stat.uid, stat.gid), contents };
                files.insert(path, (seen, stat.inode));
            });
        }
        Sight { mounts: [mounts(), self.elsewhere.asks(mounts)], files }
    }
}

fn bare(top: &str) -> OwnedFd {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, top, flags).expect("a copy")
}

fn mounts() -> Vec<MountInfo> {
    let table = MountTable::parse(mountinfo());
    let rows = table.iter().filter(|row| !row.mount_point().starts_with("/proc"));
    rows.map(|row| row.to_info()).collect()
}

/// The mounts here and in the other namespace, and the files with their inode numbers.
pub(super) struct Sight {
    pub(super) mounts: [Vec<MountInfo>; 2],
    pub(super) files: BTreeMap<String, (FileSeen, u64)>,
}

/// All that belongs to others.
pub(super) struct Theirs {
    mounts: [BTreeMap<MountId, MountInfo>; 2],
    files: BTreeMap<String, (FileSeen, u64)>,
}

/// All that is there and not of others: mounts here and in the other namespace, and names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) mounts: [Vec<MountInfo>; 2],
    pub(super) names: BTreeSet<String>,
}

fn by_id(mounts: &[MountInfo]) -> BTreeMap<MountId, MountInfo> {
    mounts.iter().map(|mount| (mount.id, mount.clone())).collect()
}

impl Theirs {
    pub(super) fn of(sight: Sight) -> Self {
        Self { mounts: [by_id(&sight.mounts[0]), by_id(&sight.mounts[1])], files: sight.files }
    }

    /// With what came between two looks, while no process of ours ran.
    pub(super) fn and_between(&mut self, before: &Sight, after: &Sight) {
        for (theirs, (old, new)) in self.mounts.iter_mut().zip(before.mounts.iter().zip(&after.mounts)) {
            let old = by_id(old);
            theirs.extend(by_id(new).into_iter().filter(|(id, _)| !old.contains_key(id)));
        }
        let new = after.files.iter().filter(|(path, _)| !before.files.contains_key(*path));
        self.files.extend(new.map(|(path, file)| (path.clone(), file.clone())));
    }

    /// True where it is a mount of theirs in this namespace.
    pub(super) fn has(&self, mount: MountId) -> bool {
        self.mounts[0].contains_key(&mount)
    }

    /// Everything of theirs that is not as it was.
    pub(super) fn changed(&self, now: &Sight) -> Vec<String> {
        let mut changed = Vec::new();
        for (theirs, now) in self.mounts.iter().zip(&now.mounts) {
            let now = by_id(now);
            let differ = theirs.iter().filter(|(id, mount)| now.get(id) != Some(mount));
            changed.extend(
                differ.map(|(id, mount)| format!("their mount {mount} is {:?}", now.get(id).map(ToString::to_string))),
            );
        }
        let differ = self.files.iter().filter(|(path, file)| now.files.get(*path) != Some(file));
        changed.extend(differ.map(|(path, file)| format!("their file {path} {file:?} is {:?}", now.files.get(path))));
        changed
    }

    pub(super) fn ours(&self, now: &Sight) -> Ours {
        let ours = |side: usize| {
            let new = now.mounts[side].iter().filter(|mount| !self.mounts[side].contains_key(&mount.id));
            new.cloned().collect()
        };
        let names = now.files.keys().filter(|path| !self.files.contains_key(*path)).cloned().collect();
        Ours { mounts: [ours(0), ours(1)], names }
    }
}
