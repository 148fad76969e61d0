//! The machine that every run starts from.

use mountwright_fake::abi::{CLONE_NEWNS, LSMT_ROOT, MNT_DETACH};
use mountwright_fake::{At, FakeBackend, Machine, ModelKernel, Pid, SharedMachine};
use mountwright_linux::abi::{MS_PRIVATE, MS_REC};
use mountwright_tests::machine::Furniture;
use mountwright_tests::searched::{FILESYSTEMS, Filesystem, Parent, Piece, layout};

/// A machine with its processes.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) machine: Machine,
    /// The process that the backend runs in; it has no descriptor open.
    pub(crate) subject: Pid,
    /// A task of the same namespace, and one of another.
    pub(crate) attackers: [Pid; 2],
    /// Has each filesystem bare in a namespace of its own ([`bare`]), in which nothing is ever mounted.
    pub(crate) observer: Pid,
    /// The youngest mount of the machine as it is set up, the highest peer group and the highest device.
    pub(crate) newest: u64,
}

const INIT: Pid = Machine::INIT;

/// Returns the directory where the observer has a filesystem on which nothing is ever mounted.
pub(crate) fn bare(filesystem: Filesystem) -> String {
    format!("/bare-{filesystem:?}")
}

impl Scene {
    pub(crate) fn new(parent: Parent, more: &[Piece]) -> Self {
        let shared = SharedMachine::new(Machine::new());
        let calls = ModelKernel::new(shared.clone(), INIT);
        let furniture = Furniture(&calls);
        for path in ["/run", "/proc"] {
            furniture.dir(path);
        }
        furniture.mount("proc", "/proc", "proc", 0);
        for (filesystem, _) in FILESYSTEMS {
            furniture.dir(&bare(filesystem));
        }
        for piece in layout() {
            piece.place(&furniture, parent.propagation());
        }
        let [subject, near, far, observer] = [(); 4].map(|()| shared.lock().fork(INIT).expect("it can fork"));
        for process in [far, observer] {
            shared.lock().unshare(process, CLONE_NEWNS).expect("a namespace");
        }
        if parent == Parent::Private {
            for path in ["/shared/box/taken", "/shared/box/taken-file", "/shared/other/rootfs"] {
                shared.lock().umount2(far, At::Cwd, path.as_bytes(), MNT_DETACH).expect("it is mounted");
            }
        }
        let bare_calls = ModelKernel::new(shared.clone(), observer);
        Furniture(&bare_calls).propagate("/", MS_PRIVATE | MS_REC);
        for (filesystem, path) in FILESYSTEMS {
            Furniture(&bare_calls).bind(path, &bare(filesystem));
        }
        // The leftovers of an earlier run.
        for piece in more {
            piece.place(&furniture, MS_PRIVATE);
        }
        let machine = shared.lock().clone();
        let mut scene = Self { machine, subject, attackers: [near, far], observer, newest: 0 };
        scene.newest = scene.newest();
        scene
    }

    /// The machine as the subject's.
    pub(crate) fn host(&self) -> FakeBackend {
        FakeBackend::over(SharedMachine::new(self.machine.clone()).shared(), self.subject)
    }

    fn newest(&self) -> u64 {
        let newest = |pid| {
            let ids = self.machine.listmount(pid, LSMT_ROOT, None, 0, usize::MAX, 0).expect("a list of mounts");
            ids.into_iter().max().unwrap_or_default()
        };
        self.attackers.into_iter().map(newest).max().unwrap_or_default()
    }
}
