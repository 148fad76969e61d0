//! One run of one operation, with code between its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_fake::abi::MOUNT_ATTR_RDONLY;
use mountwright_fake::test_kit::{Between, Budget, Count, Interposed, Moment};
use mountwright_fake::{Machine, ModelKernel, Pid, SharedMachine};
use mountwright_tests::searched::{Answer, Run};

use crate::scene::Scene;
use crate::snapshot::younger_mounts;

/// The system calls that a run makes.
pub(crate) type Calls = Interposed<ModelKernel, Arc<dyn Between>>;

/// Checks, after every call, for a mount of the run that can be written through.
struct WindowWatch {
    machine: SharedMachine,
    attackers: [Pid; 2],
    newest: u64,
    seen: AtomicBool,
}

impl Between for WindowWatch {
    fn after(&self, _moment: Moment) {
        let machine = self.machine.lock();
        let made = self.attackers.iter().flat_map(|&pid| younger_mounts(&machine, pid, self.newest));
        let writable = made.into_iter().any(|mount| {
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

/// The result of a run.
pub(crate) struct Played {
    pub(crate) run: Run,
    pub(crate) machine: Machine,
    /// The calls that were made, failed ones left out.
    pub(crate) calls: Vec<Moment>,
}

/// Makes the object that acts between the calls of a run, for this machine and process.
pub(crate) type Interference<'a> = &'a dyn Fn(&SharedMachine, Pid) -> Arc<dyn Between>;

/// Undisturbed.
pub(crate) fn nothing(_machine: &SharedMachine, _process: Pid) -> Arc<dyn Between> {
    Arc::new(())
}

/// Runs `act` from the scene on.
pub(crate) fn play(scene: &Scene, act: &dyn Fn(&Calls) -> Answer, interference: Interference<'_>) -> Played {
    let machine = SharedMachine::new(scene.machine.clone());
    play_on(&machine, scene, scene.subject, act, interference)
}

/// Runs `act` on a machine as it is.
pub(crate) fn play_on(
    machine: &SharedMachine,
    scene: &Scene,
    process: Pid,
    act: &dyn Fn(&Calls) -> Answer,
    interference: Interference<'_>,
) -> Played {
    let count = Arc::new(Count::default());
    let budget = Arc::new(Budget::default());
    let watch = Arc::new(WindowWatch {
        machine: machine.clone(),
        attackers: scene.attackers,
        newest: scene.newest,
        seen: AtomicBool::new(false),
    });
    let between = interference(machine, process);
    let all: Arc<dyn Between> = Arc::new(((Arc::clone(&budget), between), (Arc::clone(&count), Arc::clone(&watch))));
    let calls = Interposed::new(ModelKernel::new(machine.clone(), process), all);
    let answer = act(&calls);
    drop(calls);
    let machine = machine.lock().clone();
    let open = machine.descriptors(process).map_or(0, |open| open.len());
    Played {
        run: Run { answer, open, window: watch.seen.load(Ordering::Relaxed), endless: budget.is_spent() },
        calls: count.calls(),
        machine,
    }
}

/// A process like the subject, for a second run after the first one's death.
pub(crate) fn successor(machine: &SharedMachine) -> Pid {
    let mut machine = machine.lock();
    machine.fork(Machine::INIT).expect("the first process can fork")
}
