//! The machine that every run starts from, and the actions of others on it.

use mountwright_core::Errno;
use mountwright_core::mount::BootId;
use mountwright_fake::abi::{
    AT_EMPTY_PATH, CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REMOUNT, MS_SHARED, MS_SLAVE, O_CREAT, O_WRONLY,
    OPEN_TREE_CLONE, RENAME_EXCHANGE, RENAME_NOREPLACE,
};
use mountwright_fake::{At, Machine, MountAttr, Pid};
use serde::{Deserialize, Serialize};

/// The propagation of the mount that the sandbox's directories lie on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Layout {
    /// Shared, with a peer in another mount namespace.
    Shared,
    /// Private: the set-up binds the mounts directory onto itself and makes that mount shared.
    MadeShared,
}

impl Layout {
    pub(crate) const ALL: [Self; 2] = [Self::Shared, Self::MadeShared];
}

/// A machine and its processes.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) machine: Machine,
    /// Two callers of the library, in the first namespace.
    pub(crate) callers: [Pid; 2],
    /// Another process of that namespace, and one of another namespace.
    pub(crate) others: [Pid; 2],
    /// Holds a bare copy of each filesystem, on which nothing is mounted.
    pub(crate) observer: Pid,
    pub(crate) bare: Vec<(&'static str, i32)>,
}

/// The system calls of one process of others, by paths.
pub(crate) struct Hands<'a>(pub(crate) &'a mut Machine, pub(crate) Pid);

type Done = Result<(), Errno>;

impl Hands<'_> {
    pub(crate) fn dir(&mut self, path: &str) -> Done {
        self.0.mkdirat(self.1, At::Cwd, path.as_bytes(), 0o755)
    }

    pub(crate) fn file(&mut self, path: &str, contents: &str) -> Done {
        let fd = self.0.openat(self.1, At::Cwd, path.as_bytes(), O_CREAT | O_WRONLY, 0o644)?;
        let written = if contents.is_empty() { Ok(0) } else { self.0.write(self.1, fd, contents.as_bytes()) };
        self.0.close(self.1, fd)?;
        written.map(drop)
    }

    pub(crate) fn link(&mut self, target: &str, path: &str) -> Done {
        self.0.symlinkat(self.1, target.as_bytes(), At::Cwd, path.as_bytes())
    }

    pub(crate) fn mode(&mut self, path: &str, mode: u32) -> Done {
        self.0.fchmodat(self.1, At::Cwd, path.as_bytes(), mode, 0)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Done {
        self.0.renameat2(self.1, At::Cwd, from.as_bytes(), At::Cwd, to.as_bytes(), RENAME_NOREPLACE)
    }

    pub(crate) fn exchange(&mut self, one: &str, other: &str) -> Done {
        self.0.renameat2(self.1, At::Cwd, one.as_bytes(), At::Cwd, other.as_bytes(), RENAME_EXCHANGE)
    }

    pub(crate) fn tmpfs(&mut self, name: &str, path: &str) -> Done {
        let (name, path) = (name.as_bytes(), path.as_bytes());
        self.0.mount(self.1, Some((At::Cwd, name)), (At::Cwd, path), Some(b"tmpfs"), 0, None)
    }

    pub(crate) fn bind(&mut self, source: &str, path: &str) -> Done {
        let (source, path) = (source.as_bytes(), path.as_bytes());
        self.0.mount(self.1, Some((At::Cwd, source)), (At::Cwd, path), None, MS_BIND, None)
    }

    fn flags(&mut self, path: &str, flags: u64) -> Done {
        self.0.mount(self.1, None, (At::Cwd, path.as_bytes()), None, flags, None)
    }

    pub(crate) fn shared(&mut self, path: &str) -> Done {
        self.flags(path, MS_SHARED)
    }

    pub(crate) fn private(&mut self, path: &str) -> Done {
        self.flags(path, MS_PRIVATE)
    }

    pub(crate) fn slave(&mut self, path: &str) -> Done {
        self.flags(path, MS_SLAVE)
    }

    pub(crate) fn read_only(&mut self, path: &str) -> Done {
        self.flags(path, MS_REMOUNT | MS_BIND | MS_RDONLY)
    }
}

/// Everything below the two filesystems, before a sandbox is set up. `/h` is shared in both layouts, as the root of a host
/// with systemd is.
pub(crate) const DIRECTORIES: [&str; 17] = [
    "/h/image",
    "/h/image/data",
    "/h/rootfs",
    "/h/rootfs/etc",
    "/h/data",
    "/h/data/x",
    "/h/snap",
    "/h/snap/x",
    "/w/sb",
    "/w/srv",
    "/w/srv/db",
    "/w/srv/spool",
    "/w/t",
    "/w/volume",
    "/w/volume/d",
    "/w/volume/d/e",
    "/w/records",
];
pub(crate) const FILES: [(&str, &str); 10] = [
    // Empty, with the names of placeholders.
    ("/h/image/config", ""),
    ("/h/config", "settings"),
    ("/h/rootfs/etc/passwd", "root"),
    ("/h/data/bytes", "data"),
    ("/w/srv/lock", ""),
    ("/w/volume/f", "f"),
    ("/w/volume/d/g", "g"),
    ("/w/volume/program", "set-user-id"),
    ("/w/volume/secret", "of its owner alone"),
    ("/w/volume/open", "everybody's"),
];

pub(crate) const MODES: [(&str, u32); 3] =
    [("/w/volume/program", 0o4755), ("/w/volume/secret", 0o600), ("/w/volume/open", 0o666)];

impl Host {
    pub(crate) fn new(layout: Layout) -> Self {
        let mut host = Self {
            machine: Machine::new(),
            callers: [Machine::INIT; 2],
            others: [Machine::INIT; 2],
            observer: Machine::INIT,
            bare: Vec::new(),
        };
        host.furnish(layout).expect("an empty machine can be furnished");
        host
    }

    /// The same host in another boot.
    pub(crate) fn rebooted(mut self) -> Self {
        self.machine.set_boot_id(BootId::from_bytes([7; 16]));
        self
    }

    fn furnish(&mut self, layout: Layout) -> Done {
        let mut init = Hands(&mut self.machine, Machine::INIT);
        for path in ["/run", "/proc", "/h", "/w"] {
            init.dir(path)?;
        }
        init.0.mount(Machine::INIT, Some((At::Cwd, b"proc")), (At::Cwd, b"/proc"), Some(b"proc"), 0, None)?;
        for path in ["/h", "/w"] {
            init.tmpfs(&path[1..], path)?;
            init.private(path)?;
        }
        init.shared("/h")?;
        if layout == Layout::Shared {
            init.shared("/w")?;
        }
        for path in DIRECTORIES {
            init.dir(path)?;
        }
        for (path, contents) in FILES {
            init.file(path, contents)?;
        }
        for (path, mode) in MODES {
            init.mode(path, mode)?;
        }
        init.tmpfs("db", "/w/srv/db")?;
        init.file("/w/srv/db/rows", "rows")?;
        for pid in self.callers.iter_mut().chain(&mut self.others) {
            *pid = self.machine.fork(Machine::INIT)?;
        }
        self.machine.unshare(self.others[1], CLONE_NEWNS)?;
        self.observe()
    }

    fn observe(&mut self) -> Done {
        self.observer = self.machine.fork(Machine::INIT)?;
        for path in ["/h", "/w", "/run"] {
            let fd = self.machine.open_tree(self.observer, At::Cwd, path.as_bytes(), OPEN_TREE_CLONE)?;
            let private = MountAttr { propagation: MS_PRIVATE, ..MountAttr::default() };
            self.machine.mount_setattr(self.observer, fd, b"", AT_EMPTY_PATH, private)?;
            self.bare.push((path, fd));
        }
        Ok(())
    }

    /// The observing process, and the bare copies of the filesystems that it holds, each by the path of its mount.
    pub(crate) fn bare(&self) -> (Pid, &[(&'static str, i32)]) {
        (self.observer, &self.bare)
    }

    /// The system calls of another process: of this namespace, or of another.
    pub(crate) fn other(&mut self, elsewhere: bool) -> Hands<'_> {
        Hands(&mut self.machine, self.others[usize::from(elsewhere)])
    }
}
