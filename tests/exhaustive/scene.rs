//! The machine that every run starts from.

use mountwright_core::Errno;
use mountwright_fake::abi::{
    CLONE_NEWNS, MNT_DETACH, MS_BIND, MS_PRIVATE, MS_SHARED, O_CREAT, O_WRONLY, OPEN_TREE_CLONE,
};
use mountwright_fake::{At, Machine, MountAttr, Pid};
use mountwright_tests::searched::{Filesystem, Parent, Piece, layout};

/// A machine with its processes.
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

const INIT: Pid = Machine::INIT;

/// Builds as root of the first namespace; failures panic.
struct Builder(Machine);

impl Builder {
    fn must<T>(&mut self, act: impl FnOnce(&mut Machine) -> Result<T, Errno>) -> T {
        act(&mut self.0).unwrap_or_else(|errno| panic!("the scene could not be set up: {errno}"))
    }

    fn place(&mut self, piece: &Piece, parent: Parent) {
        match piece {
            Piece::Directory(path) => self.dir(path),
            Piece::File { path, contents } => self.file(path, contents),
            Piece::Link { target, path } => self.link(target, path),
            Piece::Tmpfs { name, path } => self.tmpfs(name, path),
            Piece::Bind { source, path } => self.bind(source, path),
            Piece::Root => {
                let flag = if parent == Parent::Shared { MS_SHARED } else { MS_PRIVATE };
                self.must(|m| m.mount(INIT, None, (At::Cwd, b"/shared"), None, flag, None));
            }
        }
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
        self.must(|m| m.mount(INIT, None, (At::Cwd, path), None, MS_PRIVATE, None));
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
        for path in ["/run", "/proc"] {
            scene.dir(path);
        }
        scene.must(|m| m.mount(INIT, Some((At::Cwd, b"proc")), (At::Cwd, b"/proc"), Some(b"proc"), 0, None));
        for piece in layout() {
            scene.place(&piece, parent);
        }
        Self::people(scene.0, parent)
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

    /// Has to be called again after a further set-up.
    pub(crate) fn note_newest(&mut self) {
        let root = mountwright_fake::abi::LSMT_ROOT;
        let newest = |pid| {
            let ids = self.machine.listmount(pid, root, None, 0, usize::MAX, 0).expect("a list of mounts");
            ids.into_iter().max().unwrap_or_default()
        };
        self.newest = self.attackers.into_iter().map(newest).max().unwrap_or_default();
    }

    /// Adds the leftovers of an earlier run.
    pub(crate) fn with(self, more: &[Piece]) -> Self {
        let mut scene = Builder(self.machine);
        // Only the layout sets the root's own propagation.
        for piece in more {
            scene.place(piece, Parent::Private);
        }
        let mut scene = Self { machine: scene.0, ..self };
        scene.note_newest();
        scene
    }
}
