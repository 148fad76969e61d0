//! The searches: every fault, every death, every adversary.

use std::collections::BTreeSet;
use std::sync::Arc;

use mountwright_fake::test_kit::{
    Between, Count, Exchange, Fault, HowLong, Interposed, Moment, PlannedFault, Strike, fault_plan, is_a_statement,
    plain_failure,
};
use mountwright_fake::{FakeBackend, test_kit};
use mountwright_tests::searched::{
    Answer, Expected, Operation, Parent, Run, Snapshot, Tally, Violation, Wrong, verdict,
};

use crate::adversary::Deed;
use crate::play::{Act, play};
use crate::scene::Scene;
use crate::snapshot::{groups_of, snapshot};

/// One operation on one scene, made by one implementation.
pub(crate) struct Search<'a> {
    operation: &'a Operation,
    parent: Parent,
    scene: Scene,
    groups: BTreeSet<u64>,
    before_again: Option<Act<'a>>,
    expected: Expected,
    answer: Answer,
    runs: test_kit::Search<'a, Moment, Run>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        operation: &'a Operation,
        parent: Parent,
        detached: bool,
        act: Act<'a>,
        before_again: Option<Act<'a>>,
    ) -> Self {
        let scene = Scene::new(parent, &(operation.prepare)());
        let groups = groups_of(&scene);
        let before = snapshot(&scene.machine, &scene, &groups);
        let in_scene = scene.clone();
        let runs = test_kit::Search::over_calls(&scene.host(), move |host, calls| play(&in_scene, host, calls, act));
        let undisturbed = runs.undisturbed();
        let whole = undisturbed.after.machine(|machine| snapshot(machine, &scene, &groups));
        let answer = undisturbed.result.answer;
        let expected = Expected { before, whole, succeeds: answer.is_done(), detached };
        Self { operation, parent, scene, groups, before_again, expected, answer, runs }
    }

    /// Returns the result of an undisturbed run, and the state after it.
    pub(crate) fn undisturbed(&self) -> (&Answer, &Snapshot) {
        (&self.answer, &self.expected.whole)
    }

    /// The record of a run, the state after it, its machine and its words.
    fn seen(&self, run: test_kit::Run<'_, Run>) -> (Run, Snapshot, FakeBackend, String) {
        let after = run.after.machine(|machine| snapshot(machine, &self.scene, &self.groups));
        let point = format!("{} ({:?}), {}", self.operation.name, self.parent, run.point);
        (Run { endless: run.endless, ..run.result }, after, run.after, point)
    }

    /// Every call fails.
    pub(crate) fn faults(&self, long: bool, tally: &mut Tally) {
        let plan = fault_plan(self.runs.calls(), long);
        let plan = plan.into_iter().map(|PlannedFault { moment, errno, how_long }| (moment, errno, how_long));
        for (moment, errno, run) in self.runs.faults(plan) {
            let (played, after, host, point) = self.seen(run);
            let wrong = Wrong { lie: is_a_statement(errno), weaker_set: moment.probe, twice: false };
            let judged = verdict::after_fault(self.operation, &self.expected, &played, &after, wrong);
            tally.excused += usize::from(judged.excused);
            let mut found = judged.found;
            if self.operation.resumable && !played.answer.is_done() {
                found.extend(self.second_run(&host));
            }
            tally.run(&found, || point.clone());
        }
    }

    /// Every two calls fail: the second one later in the run, as the first fault has changed it.
    pub(crate) fn pairs_of_faults(&self, tally: &mut Tally) {
        for first in self.runs.calls() {
            let Some(errno) = plain_failure(*first) else { continue };
            let fault = || Arc::new(Fault::<Moment>::new(first.number, errno, HowLong::Once));
            // The calls are counted anew: after a failure the run continues differently.
            let count = Arc::new(Count::default());
            self.runs.run(String::new(), |_| Arc::new((fault(), Arc::clone(&count))));
            for second in first.number + 1..=first.number + 1 + count.calls().len() {
                let point = format!("call {} {} and call {second} {errno}", first.number, first.call);
                let both = || Arc::new((fault(), Fault::new(second, errno, HowLong::Once)));
                let (played, after, _, point) = self.seen(self.runs.run(point, |_| both()));
                let wrong = Wrong { lie: false, weaker_set: true, twice: true };
                let judged = verdict::after_fault(self.operation, &self.expected, &played, &after, wrong);
                tally.excused += usize::from(judged.excused);
                tally.run(&judged.found, || point.clone());
            }
        }
    }

    /// The process dies after every call; then another one runs the same operation.
    pub(crate) fn deaths(&self, tally: &mut Tally) {
        for run in self.runs.deaths() {
            let (played, after, host, point) = self.seen(run);
            let (mut found, scaffolding) = verdict::after_death(self.operation, &self.expected, &played, &after);
            if !self.operation.stacking {
                found.extend(self.second_run(&host));
            }
            tally.scaffolding += usize::from(scaffolding);
            tally.run(&found, || point.clone());
        }
    }

    /// Another process runs the same operation, on the machine as it was left.
    fn second_run(&self, host: &FakeBackend) -> Vec<Violation> {
        if let Some(before_again) = self.before_again {
            let nothing: Arc<dyn Between> = Arc::new(());
            play(&self.scene, host, &Interposed::new(host.kernel(), nothing), before_again);
        }
        let again = self.runs.again(host);
        let after = host.machine(|machine| snapshot(machine, &self.scene, &self.groups));
        verdict::after_second_run(&self.expected, &again.answer, &after)
    }

    /// These actions, from both namespaces.
    fn exchanges(&self, is_wanted: impl Fn(&Deed) -> bool) -> Vec<Exchange> {
        let deeds = self.operation.below.map(Deed::all).unwrap_or_default();
        let wanted = deeds.into_iter().filter(is_wanted);
        wanted.flat_map(|deed| self.scene.attackers.map(|attacker| deed.exchange(attacker))).collect()
    }

    /// Every action before every call; in short, only those that lead out of the root.
    pub(crate) fn attacks(&self, long: bool, tally: &mut Tally) {
        let exchanges = self.exchanges(|deed| long || deed.leads_out());
        for (before, possible) in self.runs.possible(&exchanges).into_iter().enumerate() {
            tally.missed += exchanges.len() - possible.len();
            for exchange in possible.into_iter().map(|position| &exchanges[position]) {
                self.attack(tally, &Strike { exchange, before, undone_before: None });
            }
        }
    }

    /// Every action before every call, undone before every later one.
    pub(crate) fn attacks_and_back(&self, tally: &mut Tally) {
        let exchanges = self.exchanges(|deed| deed.undone().is_some());
        let possible = self.runs.possible(&exchanges);
        for (before, now) in possible.iter().enumerate() {
            for exchange in now.iter().map(|&position| &exchanges[position]) {
                for later in before + 1..=possible.len() {
                    self.attack(tally, &Strike { exchange, before, undone_before: Some(later) });
                }
            }
        }
    }

    fn attack(&self, tally: &mut Tally, strike: &Strike<'_>) {
        let Some(run) = self.runs.struck(std::slice::from_ref(strike)) else {
            tally.missed += 1;
            return;
        };
        let (played, after, _, point) = self.seen(run);
        let found = verdict::after_attack(self.operation, &self.expected, &played, &after);
        tally.run(&found, || format!("{point} -> {:?}", played.answer));
    }
}
