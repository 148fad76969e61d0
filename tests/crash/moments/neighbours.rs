//! Mounts and files of others beside a sandbox, and what has become of them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::Path;

use mountwright_core::MountTable;
use mountwright_core::mount::{MountId, MountInfo};
use mountwright_linux::{At, Linux};
use mountwright_tests::elsewhere::Elsewhere;
use mountwright_tests::machine::walk;
use mountwright_tests::searched::FileSeen;
use rustix::fs::{CWD, Mode};
use rustix::io::Result;
use rustix::mount::{MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags};

use super::life::{MOUNTS, SHARED};

const DIRECTORIES: [&str; 13] = [
    "/w/sb",
    "/w/sb/empty",
    "/w/srv",
    "/w/srv/spool",
    "/w/beside",
    "/w/sb/strange",
    "/w/sb/peer",
    "/w/sb/slave",
    "/w/sb/read-only",
    "/w/sb/stack",
    "/w/sb/none",
    "/run/strange",
    "/run/.mountwright-staging-x",
];
const FILES: [(&str, &str); 6] = [
    ("/w/sb/note", "bytes"),
    ("/w/sb/nothing", ""),
    ("/w/sb/file", "covered"),
    ("/w/note", "bytes"),
    ("/run/note", "bytes"),
    ("/w/srv/lock", ""),
];
/// In the sandbox's own directories, in half of the lives.
const CROWDED: [&str; 5] = [MOUNTS, "/w/sb/mounts/c1", "/w/sb/mounts/c9", SHARED, "/w/sb/shared/c1"];
const CROWDING: [(&str, &str); 4] = [
    ("/w/sb/mounts/note", "bytes"),
    ("/w/sb/mounts/c1/kept", "bytes"),
    ("/w/sb/mounts/c9/config", "bytes"),
    ("/w/sb/shared/c1/note", "bytes"),
];
/// The filesystems, each looked at through a copy on which nothing is mounted.
const TOPS: [&str; 4] = ["/", "/h", "/run", "/w"];

fn tmpfs(path: &str) -> Result<()> {
    rustix::mount::mount("strange", path, "tmpfs", MountFlags::empty(), None)
}

fn bind(source: &str, path: &str) -> Result<()> {
    rustix::mount::mount_bind(source, path)
}

fn change(path: &str, kind: MountPropagationFlags) -> Result<()> {
    rustix::mount::mount_change(path, kind)
}

fn read_only(path: &str) -> Result<()> {
    rustix::mount::mount_remount(path, MountFlags::BIND | MountFlags::RDONLY, "")
}

fn directory(path: &str) {
    rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)).expect("a directory");
}

/// A mount of others on the directory that the guest sees.
pub(super) struct OnShared {
    pub(super) name: &'static str,
    mount: fn() -> Result<()>,
}

/// Each kind; the first is none.
pub(super) const ON_SHARED: [OnShared; 7] = [
    OnShared { name: "nothing", mount: || Ok(()) },
    OnShared {
        name: "a private mount",
        mount: || tmpfs(SHARED).and_then(|()| change(SHARED, MountPropagationFlags::PRIVATE)),
    },
    OnShared {
        name: "a shared mount",
        mount: || tmpfs(SHARED).and_then(|()| change(SHARED, MountPropagationFlags::SHARED)),
    },
    OnShared {
        name: "a slave of the same group",
        mount: || bind("/w/srv", SHARED).and_then(|()| change(SHARED, MountPropagationFlags::DOWNSTREAM)),
    },
    OnShared { name: "a read-only bind", mount: || bind("/h/data", SHARED).and_then(|()| read_only(SHARED)) },
    OnShared { name: "a stack", mount: || bind("/w/srv", SHARED).and_then(|()| tmpfs(SHARED)) },
    OnShared {
        name: "a slave with a mount in it",
        mount: || {
            bind("/w/srv", SHARED)?;
            change(SHARED, MountPropagationFlags::DOWNSTREAM)?;
            tmpfs("/w/sb/shared/spool")
        },
    },
];

impl OnShared {
    /// Makes it. A directory that is not there is made as another process would.
    pub(super) fn make(&self) {
        if self.name != ON_SHARED[0].name && !std::path::Path::new(SHARED).exists() {
            directory(SHARED);
        }
        (self.mount)().unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

/// Unmounts all that is on what is made anew for each life.
fn clear() {
    for path in ["/w", "/run"] {
        while rustix::mount::unmount(path, UnmountFlags::DETACH).is_ok() {}
    }
}

/// The machine, with a peer of each of its shared mounts in another namespace.
pub(super) struct Neighbourhood {
    elsewhere: Elsewhere,
}

impl Neighbourhood {
    /// In a fresh root of this thread: what stays as it is from life to life.
    pub(super) fn new() -> Self {
        clear();
        directory("/h");
        tmpfs("/h").expect("a tmpfs");
        for path in ["/", "/h"] {
            change(path, MountPropagationFlags::SHARED).expect("shared");
        }
        for path in ["/h/rootfs", "/h/rootfs/etc", "/h/data", "/h/data/x", "/h/snap", "/h/snap/x"] {
            directory(path);
        }
        for (path, contents) in [("/h/config", "settings"), ("/h/rootfs/etc/passwd", "root"), ("/h/data/bytes", "data")]
        {
            std::fs::write(path, contents).expect("a file");
        }
        Self { elsewhere: Elsewhere::enter() }
    }

    /// Makes everything else anew, with all mounts of others.
    pub(super) fn furnish(&self, made_shared: bool, crowded: bool) {
        clear();
        self.elsewhere.does(clear);
        while rustix::mount::unmount("/h/data/x", UnmountFlags::DETACH).is_ok() {}
        for path in ["/w", "/run", "/h/data/x"] {
            tmpfs(path).expect("a tmpfs");
        }
        if made_shared {
            change("/w", MountPropagationFlags::PRIVATE).expect("private");
        }
        let crowding = if crowded { (&CROWDED[..], &CROWDING[..]) } else { (&[][..], &[][..]) };
        for path in DIRECTORIES.iter().chain(crowding.0) {
            directory(path);
        }
        for (path, contents) in FILES.iter().chain(crowding.1) {
            std::fs::write(path, contents).expect("a file");
        }
        strangers().expect("mounts of others");
        std::fs::write("/w/sb/strange/note", "bytes").expect("a file");
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

fn strangers() -> Result<()> {
    for path in ["/w/beside", "/w/sb/strange", "/w/sb/peer", "/w/sb/stack", "/w/sb/stack", "/run/strange"] {
        tmpfs(path)?;
    }
    change("/w/sb/strange", MountPropagationFlags::PRIVATE)?;
    change("/w/sb/peer", MountPropagationFlags::SHARED)?;
    for path in ["/w/sb/slave", "/w/sb/read-only"] {
        bind("/h/data", path)?;
    }
    change("/w/sb/slave", MountPropagationFlags::DOWNSTREAM)?;
    read_only("/w/sb/read-only")?;
    bind("/h/config", "/w/sb/file")
}

fn bare(top: &str) -> OwnedFd {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, top, flags).expect("a copy")
}

fn mounts() -> Vec<MountInfo> {
    let table = MountTable::parse(std::fs::read("/proc/thread-self/mountinfo").expect("a procfs"));
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
