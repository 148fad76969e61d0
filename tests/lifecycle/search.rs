//! The search on the model: a story with a fault at every point.

use std::sync::Arc;

use mountwright_fake::test_kit::{Between, Death, Fault, Hooked, HowLong, PortMoment};

use crate::contract_errnos::contract_errnos;
use crate::model::Model;
use crate::state::State;
use crate::story::{Before, Ended, Ports, Story};
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
    /// The calls of the undisturbed story.
    pub(crate) calls: Vec<PortMoment>,
}

/// The end of a story that was run, and the machine after it.
pub(crate) struct Told {
    pub(crate) ended: Ended,
    pub(crate) model: Model,
    pub(crate) calls: Vec<PortMoment>,
}

impl Stage {
    pub(crate) fn new(story: Story) -> Self {
        let model = Model::new(story.shared);
        let empty = State::of(&model);
        let before = {
            let hooked = Hooked::new(model.backend(), Arc::new(())).without_atomic_binds(story.clumsy);
            (story.prepare)(Ports { fs: &hooked, mounter: &hooked })
        };
        let then = State::of(&model);
        let (after, after_detour) = (empty.clone(), empty.clone());
        let expected = Expected { story, empty, then, after, after_detour };
        let mut stage = Self { expected, model, before, calls: Vec::new() };
        stage.expected.story.clumsy = true;
        stage.expected.after_detour = State::of(&stage.tell(|_| Arc::new(())).model);
        stage.expected.story.clumsy = story.clumsy;
        let told = stage.tell(|_| Arc::new(()));
        assert!(matches!(told.ended, Ended::Whole), "{}: {:?}", story.name, told.ended);
        stage.calls = told.calls;
        stage.expected.after = State::of(&told.model);
        stage
    }

    /// Runs it on a copy of the machine, with the hook that is made for that copy.
    pub(crate) fn tell(&self, hook: impl FnOnce(&Model) -> Arc<dyn Between<PortMoment>>) -> Told {
        let model = self.model.copy();
        let hooked = Hooked::new(model.backend(), hook(&model)).without_atomic_binds(self.expected.story.clumsy);
        let ended = (self.expected.story.tell)(Ports { fs: &hooked, mounter: &hooked }, &self.before);
        let calls = hooked.calls();
        drop(hooked);
        Told { ended, model, calls }
    }

    /// Every call fails, with every errno of its contract, once and for good.
    pub(crate) fn faults(&self) -> Found {
        let mut found = Found::default();
        self.each_fault(&mut |told, point| {
            let verdict = self.expected.told(&told.ended, &State::of(&told.model));
            found.note(point, verdict.and_then(|()| self.expected.law(&told.model, &self.before)));
        });
        found
    }

    /// The runtime dies after every call.
    pub(crate) fn deaths(&self) -> Found {
        let mut found = Found::default();
        self.each_death(&mut |told, point| found.note(point, self.expected.law(&told.model, &self.before)));
        found
    }

    pub(crate) fn each_fault(&self, each: &mut Judge<'_>) {
        for &call in &self.calls {
            for errno in contract_errnos(call.method) {
                for how_long in [HowLong::Once, HowLong::ForGood] {
                    let told = self.tell(|_| Arc::new(Fault::<PortMoment>::new(call.number, errno, how_long)));
                    let how = if how_long == HowLong::Once { "once" } else { "for good" };
                    each(&told, &format!("call {}, {}, {errno} {how}", call.number, call.method));
                }
            }
        }
    }

    pub(crate) fn each_death(&self, each: &mut Judge<'_>) {
        for call in &self.calls {
            let told = self.tell(|_| Arc::new(Death::after(call.number, || {})));
            each(&told, &format!("death after call {}, {}", call.number, call.method));
        }
    }
}

/// Receives each run, with its fault.
pub(crate) type Judge<'a> = dyn FnMut(&Told, &str) + 'a;
