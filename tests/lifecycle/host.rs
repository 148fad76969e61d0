//! A modelled host: what it has, and what it looks like.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use mountwright_core::{Errno, MountRow, MountTable, PeerGroup};
use mountwright_fake::{At, Machine, Pid, abi};
use mountwright_linux::LinuxBackend;
use mountwright_tests::model_kernel::{ModelKernel, SharedMachine};

const HERE: At = At::Cwd;
const ME: Pid = Machine::INIT;

/// A host, and a process of it that has a mount namespace of its own, as virtiofsd has.
#[derive(Clone)]
pub(crate) struct Host {
    machine: Machine,
    other: Pid,
}

/// The sandbox's directories.
pub(crate) const SANDBOX: &str = "/w/sb";

impl Host {
    /// * `/w` is a mount, shared or private; below it the sandbox's directory, empty.
    /// * Sources: `/w/src/rootfs`, `/w/src/data`, the file `/w/src/config`; `/w/disk/layer` on a shared mount of its own.
    /// * Others' things: `/w/victim` with a mount in it, and another sandbox below `/w/other`.
    pub(crate) fn new(shared: bool) -> Self {
        let mut machine = Machine::new();
        for directory in ["/proc", "/run", "/w"] {
            machine.mkdirat(ME, HERE, directory.as_bytes(), 0o755).unwrap();
        }
        let proc: &[u8] = b"proc";
        machine.mount(ME, Some((HERE, proc)), (HERE, b"/proc"), Some(proc), 0, None).unwrap();
        let mut host = Self { machine, other: ME };
        host.tmpfs("/w");
        for directory in [
            "sb",
            "src",
            "src/rootfs",
            "src/rootfs/bin",
            "src/data",
            "disk",
            "victim",
            "other",
            "other/c1",
            "other/c1/rootfs",
        ] {
            host.dir(&format!("/w/{directory}"));
        }
        host.propagate("/w", if shared { abi::MS_SHARED } else { abi::MS_PRIVATE });
        host.tmpfs("/w/disk");
        host.propagate("/w/disk", abi::MS_SHARED);
        host.dir("/w/disk/layer");
        host.tmpfs("/w/victim");
        host.dir("/w/victim/rootfs");
        host.tmpfs("/w/victim/rootfs");
        for (path, bytes) in [
            ("src/rootfs/bin/sh", "#!"),
            ("src/rootfs/empty", ""),
            ("src/data/f", "data"),
            ("src/config", "key=value"),
            ("disk/layer/l", "layer"),
            ("victim/f", "kept"),
            ("victim/rootfs/f", "kept too"),
            ("victim/empty", ""),
        ] {
            host.file(&format!("/w/{path}"), bytes);
        }
        host.bind("/w/src/rootfs", "/w/other/c1/rootfs");
        host.other = host.machine.fork(ME).unwrap();
        host.machine.unshare(host.other, abi::CLONE_NEWNS).unwrap();
        let slaves = abi::MS_SLAVE | abi::MS_REC;
        host.machine.mount(host.other, None, (HERE, b"/"), None, slaves, None).unwrap();
        host
    }

    pub(crate) fn dir(&mut self, path: &str) {
        self.machine.mkdirat(ME, HERE, path.as_bytes(), 0o755).unwrap();
    }

    pub(crate) fn file(&mut self, path: &str, bytes: &str) {
        let flags = abi::O_WRONLY | abi::O_CREAT;
        let fd = self.machine.openat(ME, HERE, path.as_bytes(), flags, 0o644).unwrap();
        if !bytes.is_empty() {
            self.machine.write(ME, fd, bytes.as_bytes()).unwrap();
        }
        self.machine.close(ME, fd).unwrap();
    }

    pub(crate) fn tmpfs(&mut self, path: &str) {
        let tmpfs: &[u8] = b"tmpfs";
        self.machine.mount(ME, Some((HERE, tmpfs)), (HERE, path.as_bytes()), Some(tmpfs), 0, None).unwrap();
    }

    pub(crate) fn bind(&mut self, source: &str, target: &str) {
        let source = Some((HERE, source.as_bytes()));
        self.machine.mount(ME, source, (HERE, target.as_bytes()), None, abi::MS_BIND, None).unwrap();
    }

    pub(crate) fn propagate(&mut self, path: &str, kind: u64) {
        self.machine.mount(ME, None, (HERE, path.as_bytes()), None, kind, None).unwrap();
    }

    /// The ports on this host, and the host that they change.
    pub(crate) fn ports(&self) -> (LinuxBackend<ModelKernel>, Running) {
        let machine = SharedMachine::new(self.machine.clone());
        let backend = LinuxBackend::over(ModelKernel::new(machine.clone(), ME));
        (backend, Running { machine, other: self.other })
    }

    pub(crate) fn state(&self) -> State {
        State::of(&mut self.machine.clone(), self.other)
    }
}

/// A host that a backend is changing.
#[derive(Clone)]
pub(crate) struct Running {
    machine: SharedMachine,
    other: Pid,
}

impl Running {
    /// The host as it is now.
    pub(crate) fn host(&self) -> Host {
        Host { machine: self.machine.lock().clone(), other: self.other }
    }
}

/// One name: what it is, and its bytes.
type Found = (u32, Vec<u8>);

/// What a host looks like: names and bytes as a walk sees them, the mounts of both namespaces. Ids do not matter, nor do the
/// numbers of peer groups, but who is of which group does.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) names: BTreeMap<PathBuf, Found>,
    pub(crate) mounts: Vec<MountLine>,
    pub(crate) elsewhere: Vec<MountLine>,
    pub(crate) descriptors: usize,
}

/// A mount without its ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MountLine {
    pub(crate) mount_point: PathBuf,
    pub(crate) rest: String,
}

impl State {
    fn of(machine: &mut Machine, other: Pid) -> Self {
        let mut names = BTreeMap::new();
        walk(machine, Path::new("/w"), &mut names);
        let mut groups = BTreeMap::new();
        let mounts = lines(machine, ME, &mut groups);
        let elsewhere = lines(machine, other, &mut groups);
        Self { names, mounts, elsewhere, descriptors: machine.descriptors(ME).unwrap().len() }
    }

    /// The state without what is below the sandbox's directory.
    pub(crate) fn outside(&self) -> Self {
        let mut outside = self.clone();
        let inside = |path: &Path| path.starts_with(SANDBOX) && path != Path::new(SANDBOX);
        outside.names.retain(|path, _| !inside(path));
        outside.mounts.retain(|mount| !inside(&mount.mount_point));
        outside.elsewhere.retain(|mount| !inside(&mount.mount_point));
        outside
    }

    /// In what `self` and `then` differ, for a person to read.
    pub(crate) fn changes(&self, then: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let (before, after): (BTreeSet<_>, BTreeSet<_>) = (self.names.iter().collect(), then.names.iter().collect());
        changes.extend(before.difference(&after).map(|(path, _)| format!("- {}", path.display())));
        changes.extend(after.difference(&before).map(|(path, _)| format!("+ {}", path.display())));
        for (what, before, after) in
            [("mount", &self.mounts, &then.mounts), ("mount elsewhere", &self.elsewhere, &then.elsewhere)]
        {
            changes.extend(less(before, after).iter().map(|mount| format!("- {what} {mount:?}")));
            changes.extend(less(after, before).iter().map(|mount| format!("+ {what} {mount:?}")));
        }
        if self.descriptors != then.descriptors {
            changes.push(format!("descriptors {} -> {}", self.descriptors, then.descriptors));
        }
        changes
    }
}

/// What `of` has and `without` has not, each as often as it is more.
pub(crate) fn less(of: &[MountLine], without: &[MountLine]) -> Vec<MountLine> {
    let mut rest = without.to_vec();
    let mut more = Vec::new();
    for line in of {
        match rest.iter().position(|other| other == line) {
            Some(index) => drop(rest.swap_remove(index)),
            None => more.push(line.clone()),
        }
    }
    more
}

fn walk(machine: &mut Machine, directory: &Path, found: &mut BTreeMap<PathBuf, Found>) {
    for name in list(machine, directory) {
        let path = directory.join(name);
        let bytes = path.as_os_str().as_encoded_bytes();
        let Ok(stat) = machine.statx(ME, HERE, bytes, abi::AT_SYMLINK_NOFOLLOW, abi::STATX_BASIC_STATS) else {
            continue;
        };
        let kind = u32::from(stat.mode) & abi::S_IFMT;
        let contents = match kind {
            abi::S_IFREG => read(machine, bytes).unwrap_or_default(),
            abi::S_IFLNK => machine.readlinkat(ME, HERE, bytes).unwrap_or_default(),
            _ => Vec::new(),
        };
        found.insert(path.clone(), (u32::from(stat.mode), contents));
        if kind == abi::S_IFDIR {
            walk(machine, &path, found);
        }
    }
}

fn list(machine: &mut Machine, directory: &Path) -> Vec<OsString> {
    let mut names = Vec::new();
    let path = directory.as_os_str().as_encoded_bytes();
    let Ok(fd) = machine.openat(ME, HERE, path, abi::O_RDONLY | abi::O_DIRECTORY, 0) else { return names };
    while let Ok(entries) = machine.getdents64(ME, fd, 4096) {
        if entries.is_empty() {
            break;
        }
        names.extend(entries.into_iter().map(|entry| OsString::from_vec(entry.name)));
    }
    machine.close(ME, fd).unwrap();
    names.retain(|name| name != "." && name != "..");
    names
}

fn read(machine: &mut Machine, path: &[u8]) -> Result<Vec<u8>, Errno> {
    let fd = machine.openat(ME, HERE, path, abi::O_RDONLY, 0)?;
    let bytes = machine.read(ME, fd, 1 << 16);
    machine.close(ME, fd)?;
    bytes
}

fn lines(machine: &Machine, process: Pid, groups: &mut BTreeMap<u32, usize>) -> Vec<MountLine> {
    let table = MountTable::parse(machine.mountinfo(process).unwrap());
    let mut rows: Vec<_> = table.iter().collect();
    let sorted_by = |row: &MountRow<'_>| (row.mount_point().into_owned(), row.root().into_owned(), row.device());
    rows.sort_by_key(sorted_by);
    let mut name = |group: Option<PeerGroup>| {
        group.map(|group| {
            let next = groups.len();
            *groups.entry(group.0.get()).or_insert(next)
        })
    };
    let line = |row: MountRow<'_>| {
        let state = row.propagation();
        let (peers, master) = (name(state.peers), name(state.master));
        let (root, device, attributes) = (row.root(), row.device(), row.attributes());
        let rest = format!("{} of {device} {attributes} peers {peers:?} master {master:?}", root.display());
        MountLine { mount_point: row.mount_point().into_owned(), rest }
    };
    rows.into_iter().map(line).collect()
}
