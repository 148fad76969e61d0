//! Mounts and files of a machine, without the numbers that differ from run to run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mountwright_fake::abi::{
    AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG,
    STATX_BASIC_STATS,
};
use mountwright_fake::{Machine, Pid};

use crate::host::Host;

/// One mount, as mountinfo has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountSeen {
    /// True in the callers' namespace.
    pub(crate) here: bool,
    pub(crate) id: u32,
    pub(crate) parent: u32,
    pub(crate) root: String,
    pub(crate) point: String,
    pub(crate) attributes: String,
    pub(crate) peers: Option<u32>,
    pub(crate) master: Option<u32>,
    pub(crate) source: String,
}

/// One file: mode with its kind, group, contents, inode number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileSeen {
    pub(crate) mode: u16,
    pub(crate) gid: u32,
    pub(crate) contents: Vec<u8>,
    pub(crate) inode: u64,
}

/// The mounts of both namespaces, in the order of the tables, and the files of every filesystem by its path there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) mounts: Vec<MountSeen>,
    pub(crate) files: BTreeMap<String, FileSeen>,
}

/// The raw text of both tables: the same text is the same state of the mounts.
pub(crate) fn tables(host: &Host) -> [Vec<u8>; 2] {
    host.others.map(|pid| host.machine.mountinfo(pid).expect("a process of the scene lives"))
}

pub(crate) fn mounts(host: &Host) -> Vec<MountSeen> {
    let both = tables(host);
    let lines = |here: bool| {
        let text = String::from_utf8_lossy(&both[usize::from(!here)]).into_owned();
        text.lines().map(|line| mount_of(line, here)).collect::<Vec<_>>()
    };
    lines(true).into_iter().chain(lines(false)).collect()
}

pub(crate) fn mount_of(line: &str, here: bool) -> MountSeen {
    let (left, right) = line.split_once(" - ").expect("a line of mountinfo");
    let words: Vec<_> = left.split(' ').collect();
    let number = |prefix: &str| words.iter().find_map(|word| word.strip_prefix(prefix)?.parse().ok());
    MountSeen {
        here,
        id: words[0].parse().expect("an id"),
        parent: words[1].parse().expect("an id"),
        root: words[3].to_owned(),
        point: words[4].to_owned(),
        attributes: words[5].to_owned(),
        peers: number("shared:"),
        master: number("master:"),
        source: right.split(' ').nth(1).unwrap_or_default().to_owned(),
    }
}

impl MountSeen {
    /// True if it covers another mount.
    pub(crate) fn covers_one(&self, seen: &Seen) -> bool {
        let is_parent = |other: &&MountSeen| (other.here, other.id) == (self.here, self.parent);
        seen.mounts.iter().find(is_parent).is_some_and(|parent| parent.point == self.point)
    }
}

impl Seen {
    pub(crate) fn of(host: &Host) -> Self {
        Self { mounts: mounts(host), files: files(host) }
    }

    /// The same without one mount.
    pub(crate) fn without_mount(&self, index: usize) -> Self {
        let mut rest = self.clone();
        rest.mounts.remove(index);
        rest
    }

    /// Everything that two runs must have in common: stacks in their order, peer groups by their members, no number.
    pub(crate) fn comparable(&self) -> String {
        let mut text = comparable_mounts(&self.mounts);
        for (path, file) in &self.files {
            let contents = String::from_utf8_lossy(&file.contents);
            let _ = writeln!(text, "{path} {:o} {} {contents}", file.mode, file.gid);
        }
        text
    }
}

/// Number of mounts of the same place below it: the table is in the order of ids, not of stacks.
fn height(mounts: &[MountSeen], mount: &MountSeen) -> usize {
    let below = mounts.iter().find(|other| other.here == mount.here && other.id == mount.parent);
    below
        .filter(|below| below.point == mount.point && below.id != mount.id)
        .map_or(0, |below| 1 + height(mounts, below))
}

fn comparable_mounts(mounts: &[MountSeen]) -> String {
    let mut sorted: Vec<_> = mounts.iter().collect();
    sorted.sort_by_key(|mount| (mount.here, &mount.point, height(mounts, mount)));
    let mut groups: Vec<u32> = Vec::new();
    let mut label = |group: Option<u32>| {
        let group = group?;
        let known = groups.iter().position(|&known| known == group);
        Some(known.unwrap_or_else(|| {
            groups.push(group);
            groups.len() - 1
        }))
    };
    let mut text = String::new();
    for mount in sorted {
        let (peers, master) = (label(mount.peers), label(mount.master));
        let MountSeen { here, root, point, attributes, source, .. } = mount;
        let _ = writeln!(text, "{here} {point} {source}:{root} {attributes} peers {peers:?} master {master:?}");
    }
    text
}

/// The look-up opens files, so it works on a copy.
pub(crate) fn files(host: &Host) -> BTreeMap<String, FileSeen> {
    let mut machine = host.machine.clone();
    let (observer, bare) = host.bare();
    let mut found = BTreeMap::new();
    for &(top, fd) in bare {
        let mut pending = vec![String::new()];
        while let Some(directory) = pending.pop() {
            for name in names(&mut machine, observer, fd, &directory) {
                let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
                let seen = file(&mut machine, observer, fd, &path);
                if u32::from(seen.mode) & S_IFMT == S_IFDIR {
                    pending.push(path.clone());
                }
                found.insert(format!("{top}/{path}"), seen);
            }
        }
    }
    found
}

fn names(machine: &mut Machine, pid: Pid, top: i32, path: &str) -> Vec<String> {
    let path = if path.is_empty() { "." } else { path };
    let fd = machine.openat(pid, top, path.as_bytes(), O_RDONLY | O_DIRECTORY, 0).expect("a directory opens");
    let entries = machine.getdents64(pid, fd, 1 << 16).expect("a directory can be read");
    machine.close(pid, fd).expect("an open file closes");
    let names = entries.into_iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
    names.filter(|name| name != "." && name != "..").collect()
}

fn file(machine: &mut Machine, pid: Pid, top: i32, path: &str) -> FileSeen {
    let bytes = path.as_bytes();
    let stat = machine.statx(pid, top, bytes, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_BASIC_STATS);
    let stat = stat.expect("a name that was listed is there");
    let contents = match u32::from(stat.mode) & S_IFMT {
        S_IFLNK => machine.readlinkat(pid, top, bytes).expect("a link can be read"),
        S_IFREG if stat.size > 0 => {
            let fd = machine.openat(pid, top, bytes, O_RDONLY | O_NOFOLLOW, 0).expect("a file opens");
            let contents = machine.read(pid, fd, 1 << 16).expect("a file can be read");
            machine.close(pid, fd).expect("an open file closes");
            contents
        }
        _ => Vec::new(),
    };
    FileSeen { mode: stat.mode, gid: stat.gid, contents, inode: stat.ino }
}
