//! One run of one operation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_fake::abi::MOUNT_ATTR_RDONLY;
use mountwright_fake::test_kit::{Between, Interposed, Moment};
use mountwright_fake::{FakeBackend, Pid, test_kit};
use mountwright_tests::searched::{Answer, Run};

use crate::scene::Scene;
use crate::snapshot::younger_mounts;

/// The system calls that a run makes.
pub(crate) type Calls = Interposed<test_kit::Calls, Arc<WindowWatch>>;

/// An implementation of an operation.
pub(crate) type Act<'a> = &'a dyn Fn(&Calls) -> Answer;

/// Checks, after every call, for a mount of the run that can be written through.
#[derive(Debug)]
pub(crate) struct WindowWatch {
    host: FakeBackend,
    attackers: [Pid; 2],
    newest: u64,
    seen: AtomicBool,
}

impl Between for WindowWatch {
    fn after(&self, _moment: Moment) {
        let made = |machine: &_| self.attackers.map(|pid| younger_mounts(machine, pid, self.newest));
        let writable = self.host.machine(|machine| made(machine)).into_iter().flatten().any(|mount| {
            mount.mnt_attr & MOUNT_ATTR_RDONLY == 0
                && matches!(&mount.sb_source[..], b"source" | b"inner")
                // Only its owner can enter a staging directory.
                && !mount.mnt_point.starts_with(b"/run/.mountwright-staging")
        });
        if writable {
            self.seen.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs `act` on a host that began as the scene.
pub(crate) fn play(scene: &Scene, host: &FakeBackend, calls: &test_kit::Calls, act: Act<'_>) -> Run {
    let (attackers, newest) = (scene.attackers, scene.newest);
    let watch = Arc::new(WindowWatch { host: host.clone(), attackers, newest, seen: AtomicBool::new(false) });
    let answer = act(&Interposed::new(calls.clone(), Arc::clone(&watch)));
    let open = host.machine(|machine| machine.descriptors(host.process())).map_or(0, |open| open.len());
    Run { answer, open, window: watch.seen.load(Ordering::Relaxed), endless: false }
}
