//! The searches: every fault, every death, every adversary.

use std::collections::BTreeSet;
use std::sync::Arc;

use mountwright_fake::test_kit::{
    Between, Death, Fault, HowLong, Moment, PlannedFault, fault_plan, is_a_statement, plain_failure,
};
use mountwright_fake::{Pid, SharedMachine};
use mountwright_tests::searched::{Answer, Expected, Operation, Parent, Snapshot, Tally, Violation, Wrong, verdict};

use crate::adversary::{Adversary, Deed, Strike};
use crate::play::{Calls, Played, nothing, play, play_on, successor};
use crate::scene::Scene;
use crate::snapshot::{groups_of, snapshot};

type Act<'a> = &'a dyn Fn(&Calls) -> Answer;

/// One operation on one scene, made by one implementation.
pub(crate) struct Search<'a> {
    operation: &'a Operation,
    parent: Parent,
    scene: Scene,
    groups: BTreeSet<u64>,
    act: Act<'a>,
    before_again: Option<Act<'a>>,
    expected: Expected,
    answer: Answer,
    calls: Vec<Moment>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        operation: &'a Operation,
        parent: Parent,
        detached: bool,
        act: Act<'a>,
        before_again: Option<Act<'a>>,
    ) -> Self {
        let scene = Scene::new(parent).with(&(operation.prepare)());
        let groups = groups_of(&scene);
        let before = snapshot(&scene.machine, &scene, &groups);
        let played = play(&scene, act, &nothing);
        let whole = snapshot(&played.machine, &scene, &groups);
        let expected = Expected { before, whole, succeeds: played.run.answer.is_done(), detached };
        Self {
            operation,
            parent,
            scene,
            groups,
            act,
            before_again,
            expected,
            answer: played.run.answer,
            calls: played.calls,
        }
    }

    /// Returns the result of an undisturbed run, and the state after it.
    pub(crate) fn undisturbed(&self) -> (&Answer, &Snapshot) {
        (&self.answer, &self.expected.whole)
    }

    fn snapshot(&self, played: &Played) -> Snapshot {
        snapshot(&played.machine, &self.scene, &self.groups)
    }

    fn play(&self, between: impl Fn(&SharedMachine, Pid) -> Arc<dyn Between>) -> Played {
        play(&self.scene, self.act, &between)
    }

    /// Every call fails.
    pub(crate) fn faults(&self, long: bool, tally: &mut Tally) {
        for PlannedFault { moment, errno, how_long } in fault_plan(&self.calls, long) {
            let played = self.play(|_, _| Arc::new(Fault::new(moment.number, errno, how_long)));
            let wrong = Wrong { lie: is_a_statement(errno), weaker_rung: moment.probe, twice: false };
            let after = self.snapshot(&played);
            let judged = verdict::after_fault(self.operation, &self.expected, &played.run, &after, wrong);
            tally.excused += usize::from(judged.excused);
            let mut found = judged.found;
            if self.operation.resumable && !played.run.answer.is_done() {
                found.extend(self.second_run(&SharedMachine::new(played.machine)));
            }
            tally.run(&found, || {
                let (name, call) = (self.operation.name, moment.call);
                format!("{name} ({:?}), call {} {call} {errno} {how_long:?}", self.parent, moment.number)
            });
        }
    }

    /// Every two calls fail: the second one later in the run, as the first fault has changed it.
    pub(crate) fn pairs_of_faults(&self, tally: &mut Tally) {
        for first in &self.calls {
            let Some(errno) = plain_failure(*first) else { continue };
            let fault = || Arc::new(Fault::new(first.number, errno, HowLong::Once));
            // The calls are counted anew: after a failure the run continues differently.
            let end = first.number + 1 + self.play(|_, _| fault()).calls.len();
            for second in first.number + 1..=end {
                let played = self.play(|_, _| Arc::new((fault(), Fault::new(second, errno, HowLong::Once))));
                let after = self.snapshot(&played);
                let wrong = Wrong { lie: false, weaker_rung: true, twice: true };
                let judged = verdict::after_fault(self.operation, &self.expected, &played.run, &after, wrong);
                tally.excused += usize::from(judged.excused);
                let found = judged.found;
                tally.run(&found, || {
                    let (name, call, number) = (self.operation.name, first.call, first.number);
                    format!("{name} ({:?}), call {number} {call} and call {second} {errno}", self.parent)
                });
            }
        }
    }

    /// The process dies after every call; then another one runs the same operation.
    pub(crate) fn deaths(&self, tally: &mut Tally) {
        for moment in &self.calls {
            let end = |machine: &SharedMachine, process: Pid| -> Arc<dyn Between> {
                let machine = machine.clone();
                Arc::new(Death::after(moment.number, move || {
                    // It was alive until now.
                    let _ = machine.lock().exit(process);
                }))
            };
            let played = self.play(end);
            let after = self.snapshot(&played);
            let (mut found, scaffolding) = verdict::after_death(self.operation, &self.expected, &played.run, &after);
            if !self.operation.stacking {
                found.extend(self.second_run(&SharedMachine::new(played.machine)));
            }
            tally.scaffolding += usize::from(scaffolding);
            tally.run(&found, || {
                format!(
                    "{} ({:?}), death after call {} {}",
                    self.operation.name, self.parent, moment.number, moment.call
                )
            });
        }
    }

    /// Another process runs the same operation, on the machine as it was left.
    fn second_run(&self, machine: &SharedMachine) -> Vec<Violation> {
        if let Some(before_again) = self.before_again {
            play_on(machine, &self.scene, successor(machine), before_again, &nothing);
        }
        let again = play_on(machine, &self.scene, successor(machine), self.act, &nothing);
        verdict::after_second_run(&self.expected, &again.run.answer, &self.snapshot(&again))
    }

    /// Every action before every call, from both namespaces; in short, only those that lead out of the root.
    pub(crate) fn attacks(&self, long: bool, tally: &mut Tally) {
        let Some(below) = self.operation.below else { return };
        for deed in Deed::all(below).into_iter().filter(|deed| long || deed.leads_out()) {
            for attacker in self.scene.attackers {
                for moment in &self.calls {
                    self.attack(tally, &Strike::new(moment.number, deed.clone(), attacker), None);
                }
            }
        }
    }

    /// Every action before every call, undone before every later one.
    pub(crate) fn attacks_and_back(&self, tally: &mut Tally) {
        let Some(below) = self.operation.below else { return };
        for deed in Deed::all(below).into_iter().filter(Deed::can_be_undone) {
            for attacker in self.scene.attackers {
                for first in 0..self.calls.len() {
                    for second in first + 1..=self.calls.len() {
                        let strike = Strike::new(first, deed.clone(), attacker);
                        self.attack(tally, &strike, Some(&Strike::new(second, deed.undone(), attacker)));
                    }
                }
            }
        }
    }

    fn attack(&self, tally: &mut Tally, strike: &Strike, back: Option<&Strike>) {
        let adversary = std::cell::OnceCell::new();
        let played = self.play(|machine, _| {
            let strikes = [Some(strike), back].into_iter().flatten().cloned().collect();
            Arc::clone(adversary.get_or_init(|| Arc::new(Adversary::new(machine.clone(), strikes)))) as Arc<dyn Between>
        });
        if !adversary.get().is_some_and(|adversary| adversary.has_hit()) {
            tally.missed += 1;
            return;
        }
        let after = self.snapshot(&played);
        let found = verdict::after_attack(self.operation, &self.expected, &played.run, &after);
        tally.run(&found, || {
            format!("{} ({:?}), {strike}, {back:?} -> {:?}", self.operation.name, self.parent, played.run.answer)
        });
    }
}
