//! The search on the model: a story with a fault at every point.

use std::sync::Arc;

use mountwright_core::Backend;
use mountwright_fake::test_kit::{Hooked, HowLong, PortMoment, Run, Search};

use crate::contract_errnos::contract_errnos;
use crate::model::Model;
use crate::state::State;
use crate::story::{Before, Ended, Story};
use crate::verdict::Expected;

/// The findings of a search.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) points: usize,
    pub(crate) violations: Vec<String>,
}

impl Found {
    pub(crate) fn note(&mut self, point: &str, verdict: Result<(), String>) {
        self.points += 1;
        self.violations.extend(verdict.err().map(|wrong| format!("{point}: {wrong}")));
    }
}

/// A prepared story that can be run repeatedly.
pub(crate) struct Stage {
    pub(crate) expected: Expected,
    pub(crate) model: Model,
    pub(crate) before: Before,
    pub(crate) search: Search<'static, PortMoment, Ended>,
}

/// The end of a story that was run, and the machine after it.
pub(crate) struct Told {
    pub(crate) ended: Ended,
    pub(crate) model: Model,
    pub(crate) point: String,
}

impl Stage {
    pub(crate) fn new(story: Story) -> Self {
        let model = Model::new(story.shared);
        let empty = State::of(&model);
        let before = told_by(&model.backend(), story.clumsy, story.prepare);
        let then = State::of(&model);
        let search = |clumsy| {
            let before = before.clone();
            let tell = move |ports: &dyn Backend| (story.tell)(ports, &before);
            Search::new(&model.backend(), move |backend| told_by(backend, clumsy, &tell))
        };
        let after_detour = State::of(&model.now(search(true).undisturbed().after));
        let search = search(story.clumsy);
        let told = search.undisturbed();
        assert!(matches!(told.result, Ended::Whole), "{}: {:?}", story.name, told.result);
        let expected = Expected { story, empty, then, after: State::of(&model.now(told.after)), after_detour };
        Self { expected, model, before, search }
    }

    /// The result of a run.
    pub(crate) fn told(&self, run: Run<'_, Ended>) -> Told {
        assert!(!run.endless, "{}: thousands of calls, and no end", run.point);
        Told { ended: run.result, model: self.model.now(run.after), point: run.point }
    }

    /// Every call fails, with every errno of its contract, once and for good.
    pub(crate) fn faults(&self) -> Found {
        let both = [HowLong::Once, HowLong::ForGood];
        let plan = self.search.calls().iter().flat_map(move |&call| {
            contract_errnos(call.method).into_iter().flat_map(move |errno| both.map(|how| (call, errno, how)))
        });
        let mut found = Found::default();
        for (_, _, run) in self.search.faults(plan) {
            let told = self.told(run);
            let verdict = self.expected.told(&told.ended, &State::of(&told.model));
            found.note(&told.point, verdict.and_then(|()| self.expected.law(&told.model, &self.before)));
        }
        found
    }

    /// The runtime dies after every call.
    pub(crate) fn deaths(&self) -> Found {
        let mut found = Found::default();
        for run in self.search.deaths() {
            let told = self.told(run);
            found.note(&told.point, self.expected.law(&told.model, &self.before));
        }
        found
    }
}

/// Runs `tell` over a backend, on a kernel that can bind read-only in one step or cannot.
fn told_by<T>(backend: &dyn Backend, clumsy: bool, tell: impl Fn(&dyn Backend) -> T) -> T {
    let hooked = Hooked::new(backend, Arc::new(())).without_atomic_binds(clumsy);
    tell(&hooked)
}
