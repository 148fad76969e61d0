//! The machine that every run starts from.
//!
//! | Path | What |
//! |---|---|
//! | `/src` | a tmpfs, what is bound: `tree` with files and with a mount in it, `file` |
//! | `/shared` | a tmpfs, the root below which a guest may do as it likes: `box` (ours), `other` (a bystander's), links |
//! | `/outside` | what no guest may reach: `empty`, `busy`, `bare`, each with the names of `box`: plain, mounted on, missing |
//! | `/run`, `/proc` | as everywhere |

use mountwright_core::Errno;
use mountwright_fake::abi::{
    CLONE_NEWNS, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_SHARED, O_CREAT, O_WRONLY, OPEN_TREE_CLONE,
};
use mountwright_fake::{At, Machine, MountAttr, Pid};

/// How the mount of `/shared` propagates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// Not at all. The other namespace has nothing mounted below it: there each name may be renamed and removed.
    Private,
    /// To the other namespace, which has a peer.
    Shared,
}

impl Parent {
    pub(crate) const ALL: [Self; 2] = [Self::Private, Self::Shared];
}

/// A filesystem that a run may change or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Filesystem {
    /// `/`, with `/outside`.
    Root,
    /// `/shared`: the only one that a guest and the operations may change.
    Shared,
    /// `/src`.
    Source,
    /// What is mounted below `/src/tree`.
    Inner,
    /// What is mounted below `/outside/busy`.
    Victim,
    /// What is mounted on `/shared/other/rootfs`.
    Bystander,
}

/// A machine, and who is on it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) machine: Machine,
    /// The process that the backend runs in; it has no descriptor open.
    pub(crate) subject: Pid,
    /// A task of the same namespace, and one of another.
    pub(crate) attackers: [Pid; 2],
    /// Holds a bare copy of each filesystem open, on which nothing is ever mounted.
    pub(crate) observer: Pid,
    pub(crate) filesystems: Vec<(Filesystem, i32)>,
    /// The youngest mount of the machine as it is set up, the highest peer group and the highest device.
    pub(crate) newest: u64,
}

/// The names that the operations work on, in `box` and in what links lead to.
pub(crate) const DIRECTORIES: [&str; 4] = ["plain", "rootfs", "taken", "full"];
pub(crate) const FILES: [&str; 3] = ["file", "taken-file", "text"];

const INIT: Pid = Machine::INIT;

/// Does as root of the first namespace what cannot fail.
struct Builder(Machine);

impl Builder {
    fn must<T>(&mut self, act: impl FnOnce(&mut Machine) -> Result<T, Errno>) -> T {
        act(&mut self.0).unwrap_or_else(|errno| panic!("the scene could not be set up: {errno}"))
    }

    fn dir(&mut self, path: &str) {
        self.must(|m| m.mkdirat(INIT, At::Cwd, path.as_bytes(), 0o755));
    }

    fn file(&mut self, path: &str, contents: &str) {
        let fd = self.must(|m| m.openat(INIT, At::Cwd, path.as_bytes(), O_CREAT | O_WRONLY, 0o644));
        self.must(|m| m.write(INIT, fd, contents.as_bytes()));
        self.must(|m| m.close(INIT, fd));
    }

    fn link(&mut self, target: &str, path: &str) {
        self.must(|m| m.symlinkat(INIT, target.as_bytes(), At::Cwd, path.as_bytes()));
    }

    fn tmpfs(&mut self, name: &str, path: &str) {
        let (name, path) = (name.as_bytes(), path.as_bytes());
        self.must(|m| m.mount(INIT, Some((At::Cwd, name)), (At::Cwd, path), Some(b"tmpfs"), 0, None));
    }

    fn bind(&mut self, source: &str, path: &str) {
        let (source, path) = (source.as_bytes(), path.as_bytes());
        self.must(|m| m.mount(INIT, Some((At::Cwd, source)), (At::Cwd, path), None, MS_BIND, None));
        self.must(|m| m.mount(INIT, None, (At::Cwd, path), None, MS_PRIVATE, None));
    }
}

impl Scene {
    pub(crate) fn new(parent: Parent) -> Self {
        let mut scene = Builder(Machine::new());
        for path in ["/run", "/proc", "/src", "/shared", "/outside"] {
            scene.dir(path);
        }
        scene.must(|m| m.mount(INIT, Some((At::Cwd, b"proc")), (At::Cwd, b"/proc"), Some(b"proc"), 0, None));
        Self::source(&mut scene);
        Self::outside(&mut scene);
        Self::shared(&mut scene, parent);
        Self::people(scene.0, parent)
    }

    fn source(scene: &mut Builder) {
        scene.tmpfs("source", "/src");
        for path in ["/src/tree", "/src/tree/sub", "/src/tree/inner"] {
            scene.dir(path);
        }
        scene.file("/src/tree/data", "precious");
        scene.file("/src/tree/sub/deep", "precious too");
        scene.file("/src/file", "one file");
        scene.tmpfs("inner", "/src/tree/inner");
        scene.file("/src/tree/inner/leaf", "leaf");
    }

    fn outside(scene: &mut Builder) {
        for kind in ["empty", "busy", "bare"] {
            scene.dir(&format!("/outside/{kind}"));
        }
        for kind in ["empty", "busy"] {
            for name in DIRECTORIES {
                scene.dir(&format!("/outside/{kind}/{name}"));
            }
            for name in FILES {
                // Empty, so that only a careful backend leaves it alone; `text` is not.
                scene.file(&format!("/outside/{kind}/{name}"), if name == "text" { "outside" } else { "" });
            }
        }
        for name in DIRECTORIES {
            scene.tmpfs("victim", &format!("/outside/busy/{name}"));
            scene.file(&format!("/outside/busy/{name}/keep"), "keep");
        }
        for name in FILES {
            scene.bind("/src/file", &format!("/outside/busy/{name}"));
        }
    }

    fn shared(scene: &mut Builder, parent: Parent) {
        scene.tmpfs("shared", "/shared");
        let flag = if parent == Parent::Shared { MS_SHARED } else { MS_PRIVATE };
        scene.must(|m| m.mount(INIT, None, (At::Cwd, b"/shared"), None, flag, None));
        for path in ["box", "box/plain", "box/taken", "box/full", "other", "other/plain", "other/taken", "links"] {
            scene.dir(&format!("/shared/{path}"));
        }
        scene.file("/shared/box/full/entry", "");
        scene.file("/shared/box/file", "");
        scene.file("/shared/box/taken-file", "");
        scene.file("/shared/box/text", "old");
        scene.link("plain", "/shared/box/link");
        scene.bind("/src/tree", "/shared/box/taken");
        scene.bind("/src/file", "/shared/box/taken-file");
        scene.dir("/shared/other/rootfs");
        scene.tmpfs("bystander", "/shared/other/rootfs");
        scene.must(|m| m.mount(INIT, None, (At::Cwd, b"/shared/other/rootfs"), None, MS_PRIVATE, None));
        scene.file("/shared/other/rootfs/keep", "keep");
        for kind in ["empty", "busy", "bare"] {
            scene.link(&format!("/outside/{kind}"), &format!("/shared/links/to-{kind}"));
            for name in DIRECTORIES.into_iter().chain(FILES) {
                scene.link(&format!("/outside/{kind}/{name}"), &format!("/shared/links/to-{kind}-{name}"));
            }
        }
    }

    fn people(machine: Machine, parent: Parent) -> Self {
        let mut scene = Builder(machine);
        let subject = scene.must(|m| m.fork(INIT));
        let near = scene.must(|m| m.fork(INIT));
        let far = scene.must(|m| m.fork(INIT));
        scene.must(|m| m.unshare(far, CLONE_NEWNS));
        if parent == Parent::Private {
            for path in ["/shared/box/taken", "/shared/box/taken-file", "/shared/other/rootfs"] {
                scene.must(|m| m.umount2(far, At::Cwd, path.as_bytes(), MNT_DETACH));
            }
        }
        let mut scene = Self {
            machine: scene.0,
            subject,
            attackers: [near, far],
            observer: INIT,
            filesystems: Vec::new(),
            newest: 0,
        };
        scene.observe();
        scene.note_newest();
        scene
    }

    fn observe(&mut self) {
        let observer = self.machine.fork(INIT).expect("the first process can fork");
        let roots = [
            (Filesystem::Root, "/"),
            (Filesystem::Shared, "/shared"),
            (Filesystem::Source, "/src"),
            (Filesystem::Inner, "/src/tree/inner"),
            (Filesystem::Victim, "/outside/busy/plain"),
            (Filesystem::Bystander, "/shared/other/rootfs"),
        ];
        for (filesystem, path) in roots {
            let fd = self.machine.open_tree(observer, At::Cwd, path.as_bytes(), OPEN_TREE_CLONE).expect("a copy");
            let private = MountAttr { propagation: MS_PRIVATE, ..MountAttr::default() };
            let empty = mountwright_fake::abi::AT_EMPTY_PATH;
            self.machine.mount_setattr(observer, fd, b"", empty, private).expect("a private copy");
            self.filesystems.push((filesystem, fd));
        }
        self.observer = observer;
    }

    /// To be called again after more was set up.
    pub(crate) fn note_newest(&mut self) {
        let root = mountwright_fake::abi::LSMT_ROOT;
        let newest = |pid| {
            let ids = self.machine.listmount(pid, root, None, 0, usize::MAX, 0).expect("a list of mounts");
            ids.into_iter().max().unwrap_or_default()
        };
        self.newest = self.attackers.into_iter().map(newest).max().unwrap_or_default();
    }

    /// Makes a directory in `/shared`.
    pub(crate) fn with_directory(self, path: &str) -> Self {
        let mut scene = Builder(self.machine);
        scene.dir(&format!("/shared/{path}"));
        Self { machine: scene.0, ..self }
    }

    /// Binds something on a name in `/shared`, as an earlier run would have left it; the name is made.
    pub(crate) fn mounted(self, source: &str, path: &str) -> Self {
        let mut scene = Builder(self.machine);
        let target = format!("/shared/{path}");
        if source == "/src/file" {
            scene.file(&target, "");
        } else {
            scene.dir(&target);
        }
        Self { machine: scene.0, ..self }.stacked(source, path)
    }

    /// The same on a name that is there.
    pub(crate) fn stacked(self, source: &str, path: &str) -> Self {
        let mut scene = Builder(self.machine);
        scene.bind(source, &format!("/shared/{path}"));
        let mut scene = Self { machine: scene.0, ..self };
        scene.note_newest();
        scene
    }
}
