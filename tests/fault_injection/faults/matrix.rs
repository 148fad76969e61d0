//! One operation, and every call of it that fails.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mountwright_fake::test_kit::{
    Between, Budget, Count, Fault, Interposed, Moment, PlannedFault, fault_plan, is_a_statement,
};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::namespace::NoNamespace;
use mountwright_tests::searched::{
    Expected, KernelScene, NamedSet, Operation, Parent, Run, Tallies, Tally, Wrong, syscall_sets, verdict,
};

/// Checks, after each call that could have made it, for a mount of the run that can be written through.
struct Watch {
    scene: Arc<KernelScene>,
    seen: AtomicBool,
}

impl Between for Watch {
    fn after(&self, moment: Moment) {
        let can = matches!(moment.call, Call::Mount | Call::MoveMount | Call::MountSetattr | Call::Umount2);
        if can && !moment.probe && self.scene.shows_writable() {
            self.seen.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs the operation once, with this between its calls.
fn run(operation: &Operation, set: NamedSet, scene: &Arc<KernelScene>, fault: Option<Fault>) -> (Run, Vec<Moment>) {
    let count = Arc::new(Count::default());
    let budget = Arc::new(Budget::default());
    let watched = operation.read_only.then(|| Watch { scene: Arc::clone(scene), seen: AtomicBool::new(false) });
    let watch = Arc::new(watched);
    let fault: Arc<dyn Between> = match fault {
        Some(fault) => Arc::new(fault),
        None => Arc::new(()),
    };
    let between = ((Arc::clone(&budget), fault), (Arc::clone(&count), Arc::clone(&watch)));
    let backend = LinuxBackend::over(Interposed::new(Linux::new(), between)).with_syscalls(set.syscalls);
    let answer = operation.run(&backend);
    // It holds the root of procfs.
    drop(backend);
    let window = watch.as_ref().as_ref().is_some_and(|watch| watch.seen.load(Ordering::Relaxed));
    (Run { answer, window, endless: budget.is_spent(), open: scene.left_open() }, count.calls())
}

/// Records an undisturbed run.
fn undisturbed(operation: &Operation, set: NamedSet, parent: Parent) -> (Expected, Vec<Moment>) {
    let scene = Arc::new(KernelScene::build(parent, &(operation.prepare)()));
    let before = scene.snapshot();
    let (run, calls) = run(operation, set, &scene, None);
    let whole = scene.snapshot();
    (Expected { before, whole, succeeds: run.answer.is_done(), detached: set.detached() }, calls)
}

/// Makes one fault after the other, in one root as long as nothing has changed in it. Returns the index of the next
/// one.
fn stretch(
    operation: &Operation,
    set: NamedSet,
    parent: Parent,
    expected: &Expected,
    plan: &[PlannedFault],
) -> (usize, Tally) {
    let scene = Arc::new(KernelScene::build(parent, &(operation.prepare)()));
    let mut tally = Tally::default();
    for (index, PlannedFault { moment, errno, how_long }) in plan.iter().enumerate() {
        let (run, _) = run(operation, set, &scene, Some(Fault::new(moment.number, *errno, *how_long)));
        let after = scene.snapshot();
        let wrong = Wrong { lie: is_a_statement(*errno), weaker_set: moment.probe, twice: false };
        let judged = verdict::after_fault(operation, expected, &run, &after, wrong);
        tally.excused += usize::from(judged.excused);
        let mut found = judged.found;
        let changed = after.mounts != expected.before.mounts || after.files != expected.before.files;
        if operation.resumable && !run.answer.is_done() && changed {
            let answer = operation.run(&LinuxBackend::new().with_syscalls(set.syscalls));
            found.extend(verdict::after_second_run(expected, &answer, &scene.snapshot()));
        }
        tally.run(&found, || {
            let (name, number, call) = (operation.name, moment.number, moment.call);
            format!(
                "{name} ({parent:?}, set {}), call {number} {call} {errno} {how_long:?} -> {:?}",
                set.name, run.answer
            )
        });
        if changed {
            return (index + 1, tally);
        }
    }
    (plan.len(), tally)
}

/// Every fault of one operation.
pub(crate) fn search(operation: Operation, long: bool, tallies: &Tallies) -> Result<(), NoNamespace> {
    static ROOTS: AtomicUsize = AtomicUsize::new(0);
    let mut all = Tally::default();
    for set in syscall_sets(long) {
        for &parent in Parent::on_kernel(long) {
            let (expected, calls) = in_fresh_root("undisturbed", move || undisturbed(&operation, set, parent))?;
            let every_fault: Arc<[_]> = fault_plan(&calls, long).into();
            let expected = Arc::new(expected);
            let mut next = 0;
            while next < every_fault.len() {
                let (every_fault, expected) = (Arc::clone(&every_fault), Arc::clone(&expected));
                let name = format!("root {}", ROOTS.fetch_add(1, Ordering::Relaxed));
                let play = move || stretch(&operation, set, parent, &expected, &every_fault[next..]);
                let (done, tally) = in_fresh_root(&name, play)?;
                next += done;
                all.add(&tally);
            }
        }
    }
    tallies.add(operation.name, &all);
    let mut text = String::new();
    for example in &all.examples {
        writeln!(text, "{example}").expect("a text takes text");
    }
    assert!(all.runs > 0 && all.violations() == 0, "{all}\n{text}");
    Ok(())
}
