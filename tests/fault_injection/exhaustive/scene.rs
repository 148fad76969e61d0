//! The machine that every run starts from.

use mountwright_fake::abi::{CLONE_NEWNS, LSMT_ROOT, MNT_DETACH};
use mountwright_fake::{At, FakeBackend, Machine, ModelKernel, Pid, SharedMachine};
use mountwright_tests::machine::furnish_model;
use mountwright_tests::searched::{FILESYSTEMS, Filesystem, Parent, layout};

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
    pub(crate) fn new(parent: Parent, more: &str) -> Self {
        let shared = SharedMachine::new(Machine::new());
        let calls = ModelKernel::new(shared.clone(), INIT);
        let bare_places = FILESYSTEMS.map(|(filesystem, _)| bare(filesystem)).join(" ");
        furnish_model(&calls, &format!("dir /run {bare_places}; mount proc proc /proc"));
        furnish_model(&calls, &layout(&format!("{} /shared", parent.word())));
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
        furnish_model(&bare_calls, "rprivate /");
        for (filesystem, path) in FILESYSTEMS {
            furnish_model(&bare_calls, &format!("bind {path} {}", bare(filesystem)));
        }
        // The leftovers of an earlier run.
        furnish_model(&calls, more);
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
