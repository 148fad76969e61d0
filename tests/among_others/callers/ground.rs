//! The kernel's machine that each round starts from: that of [`Host`](crate::host::Host), in two mount namespaces.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use mountwright_linux::LinuxBackend;
use mountwright_tests::elsewhere::Elsewhere;
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags};

use crate::host::{DIRECTORIES, FILES, Layout, MODES};
use crate::operations::{Before, Ports, Start, prepare};
use crate::seen::{FileSeen, MountSeen, Seen, mount_of};

/// A root directory of this thread's own, with a peer of each shared mount in another namespace.
pub(crate) struct Ground {
    pub(crate) layout: Layout,
    pub(crate) backend: LinuxBackend,
    elsewhere: Elsewhere,
    start: Start,
}

fn change(path: &str, propagation: MountPropagationFlags) {
    rustix::mount::mount_change(path, propagation).expect("a propagation");
}

fn tmpfs(path: &str) {
    rustix::mount::mount(&path[1..], path, "tmpfs", MountFlags::empty(), None).expect("a tmpfs");
}

/// Unmounts all that is on `/w`, as often as something is.
fn clear() {
    while rustix::mount::unmount("/w", UnmountFlags::DETACH).is_ok() {}
}

fn furnish(top: &str) {
    let below = |path: &str| path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    for path in DIRECTORIES.into_iter().filter(|path| below(path)) {
        rustix::fs::mkdir(path, Mode::from_raw_mode(0o755)).expect("a directory");
    }
    for (path, contents) in FILES.into_iter().filter(|(path, _)| below(path)) {
        std::fs::write(path, contents).expect("a file");
    }
    for (path, mode) in MODES.into_iter().filter(|(path, _)| below(path)) {
        rustix::fs::chmod(path, Mode::from_raw_mode(mode)).expect("a mode");
    }
}

impl Ground {
    /// In a fresh root of this thread.
    pub(crate) fn new(layout: Layout, start: Start) -> Self {
        clear();
        rustix::fs::mkdir("/h", Mode::from_raw_mode(0o755)).expect("a directory");
        tmpfs("/h");
        for path in ["/", "/h"] {
            change(path, MountPropagationFlags::SHARED);
        }
        furnish("/h");
        let elsewhere = Elsewhere::enter();
        Self { layout, backend: LinuxBackend::new(), elsewhere, start }
    }

    /// Makes `/w` anew, and what the operations start from.
    pub(crate) fn prepare(&self) -> Before {
        clear();
        self.elsewhere.does(clear);
        tmpfs("/w");
        if self.layout == Layout::MadeShared {
            change("/w", MountPropagationFlags::PRIVATE);
        }
        furnish("/w");
        prepare(Ports::of(&self.backend), self.layout, self.start)
    }

    /// The mounts of both namespaces and the files, without the numbers that differ from round to round.
    pub(crate) fn look(&self) -> String {
        self.see().comparable()
    }

    pub(crate) fn see(&self) -> Seen {
        let elsewhere = self.elsewhere.asks(|| mounts(false));
        let mounts = mounts(true).into_iter().chain(elsewhere).collect();
        let files = ["/h", "/w"].into_iter().fold(BTreeMap::new(), |mut files, top| {
            walk(&bare(top), top, "", &mut files);
            files
        });
        Seen { mounts, files }
    }
}

fn mounts(here: bool) -> Vec<MountSeen> {
    let text = std::fs::read_to_string("/proc/thread-self/mountinfo").expect("a procfs");
    let seen = text.lines().map(|line| mount_of(line, here));
    seen.filter(|mount| ["/h", "/w"].iter().any(|top| mount.point.starts_with(top))).collect()
}

/// A copy of a filesystem on which nothing is mounted. What is stacked on `/w` itself no operation makes.
fn bare(top: &str) -> OwnedFd {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, top, flags).expect("a copy")
}

fn walk(copy: &OwnedFd, top: &str, below: &str, files: &mut BTreeMap<String, FileSeen>) {
    let open = |path: &str, flags| {
        rustix::fs::openat(copy, path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()).expect("it opens")
    };
    let directory = open(if below.is_empty() { "." } else { below }, OFlags::RDONLY | OFlags::DIRECTORY);
    for entry in Dir::read_from(&directory).expect("a directory can be listed") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if name == "." || name == ".." {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let stat = rustix::fs::statat(copy, path.as_str(), AtFlags::SYMLINK_NOFOLLOW).expect("it was listed");
        let kind = FileType::from_raw_mode(stat.st_mode);
        let mut contents = vec![0; usize::try_from(stat.st_size).unwrap_or_default()];
        if kind == FileType::RegularFile {
            let read = rustix::io::read(open(&path, OFlags::RDONLY), &mut contents).expect("a file can be read");
            contents.truncate(read);
        } else {
            contents.clear();
        }
        let mode = u16::try_from(stat.st_mode).expect("kind and permissions have 16 bits");
        files.insert(format!("{top}/{path}"), FileSeen { mode, gid: stat.st_gid, contents, inode: stat.st_ino });
        if kind == FileType::Directory {
            walk(copy, top, &path, files);
        }
    }
}
