//! The driver of the searches with one caller.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::{Backend, Errno};

use crate::fake_backend::FakeBackend;
use crate::model_kernel::process_calls::ModelKernel;
use crate::show::difference::Difference;
use crate::test_kit::exchange::{Exchange, Strike, Strikes};
use crate::test_kit::interposed::between::{Between, Moment};
use crate::test_kit::interposed::budget::Budget;
use crate::test_kit::interposed::count::Count;
use crate::test_kit::interposed::death::Death;
use crate::test_kit::interposed::fault::{Fault, HowLong};
use crate::test_kit::interposed::wrapper::Interposed;
use crate::test_kit::level::SearchedCall;

/// The system calls of a process of the fake, with something between them.
pub type Calls = Interposed<ModelKernel, Arc<dyn Between>>;

/// One run of the code under test, for the law.
#[derive(Debug)]
pub struct Run<'a, T> {
    /// The call and what happened at it, in words.
    pub point: String,
    /// The result of the code.
    pub result: T,
    /// The host before the run.
    pub before: &'a FakeBackend,
    /// The host after the run: a handle of the same process, or of the one that is started after a death.
    pub after: FakeBackend,
    /// It made thousands of calls and was stopped.
    pub endless: bool,
}

impl<T> Run<'_, T> {
    /// The difference between the host before and after.
    pub fn difference(&self) -> Difference {
        self.before.difference(&self.after)
    }
}

type Play<'a, P, T> = dyn Fn(&FakeBackend, Arc<dyn Between<P>>) -> T + 'a;

/// The code under test on a host, and its calls when nothing happens. Each run is on a copy of the host.
///
/// `P` is the level: [`Moment`] for system calls, [`PortMoment`](crate::test_kit::PortMoment) for port calls. The functions
/// of the kit such as [`every_fault`](crate::test_kit::every_fault) are made of this.
pub struct Search<'a, P, T> {
    before: FakeBackend,
    play: Box<Play<'a, P, T>>,
    calls: Vec<P>,
}

impl<P: SearchedCall, T> fmt::Debug for Search<'_, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl<'a, T> Search<'a, Moment, T> {
    /// Code that makes system calls itself.
    pub fn over_calls(host: &FakeBackend, act: impl Fn(&FakeBackend, &Calls) -> T + 'a) -> Self {
        Self::playing(host, move |host, between| act(host, &Interposed::new(host.kernel(), between)))
    }
}

impl<'a, P: SearchedCall, T> Search<'a, P, T> {
    /// Code over a backend.
    pub fn new(host: &FakeBackend, act: impl Fn(&dyn Backend) -> T + 'a) -> Self {
        Self::playing(host, move |host, between| P::play(host, between, &act))
    }

    fn playing(host: &FakeBackend, play: impl Fn(&FakeBackend, Arc<dyn Between<P>>) -> T + 'a) -> Self {
        let count = Arc::new(Count::<P>::default());
        let before = host.snapshot().unobserved();
        play(&before.snapshot(), Arc::clone(&count) as Arc<dyn Between<P>>);
        Self { before, play: Box::new(play), calls: count.calls() }
    }

    /// The calls of an undisturbed run.
    pub fn calls(&self) -> &[P] {
        &self.calls
    }

    /// Runs the code once more on a host as it is, undisturbed.
    pub fn again(&self, host: &FakeBackend) -> T {
        (self.play)(host, Arc::new(()))
    }

    /// An undisturbed run.
    pub fn undisturbed(&self) -> Run<'_, T> {
        self.run("undisturbed".to_owned(), |_| Arc::new(()))
    }

    /// One run on a copy of the host, with what is made for that copy between its calls.
    pub fn run(&self, point: String, between: impl FnOnce(&FakeBackend) -> Arc<dyn Between<P>>) -> Run<'_, T> {
        let after = self.before.snapshot().unobserved();
        let budget = Arc::new(Budget::default());
        let between = Arc::new((Arc::clone(&budget), between(&after)));
        let result = (self.play)(&after, between);
        Run { point, result, before: &self.before, after, endless: budget.is_spent() }
    }

    /// A run for each of these faults.
    pub fn faults(
        &self,
        plan: impl IntoIterator<Item = (P, Errno, HowLong)>,
    ) -> impl Iterator<Item = (P, Errno, Run<'_, T>)> {
        plan.into_iter().map(|(call, errno, how_long)| {
            let how = if how_long == HowLong::Once { "once" } else { "for good" };
            let point = format!("{}: {errno} {how}", call.text());
            (call, errno, self.run(point, |_| Arc::new(Fault::<P>::new(call.number(), errno, how_long))))
        })
    }

    /// A run for each call after which the process ends: its descriptors are closed, nothing unwinds.
    pub fn deaths(&self) -> impl Iterator<Item = Run<'_, T>> {
        self.calls.iter().map(|call| {
            self.run(format!("death after {}", call.text()), |host| {
                let (host, process) = (host.clone(), host.process());
                let end = move || host.machine(|machine| machine.close_all_of_ports_of(process));
                Arc::new(Death::after(call.number(), end))
            })
        })
    }

    /// The positions of the exchanges that are possible before each call of an undisturbed run.
    pub fn possible(&self, exchanges: &[Exchange]) -> Vec<Vec<usize>> {
        let survey = Arc::new(Survey { exchanges: exchanges.to_vec(), found: Mutex::default() });
        let host = self.before.snapshot().unobserved();
        (self.play)(&host, Arc::new(Surveyed { host: host.clone(), survey: Arc::clone(&survey) }));
        std::mem::take(&mut survey.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A run with these strikes, or `None` if none of them was possible.
    pub fn struck(&self, strikes: &[Strike<'_>]) -> Option<Run<'_, T>> {
        let hit = Arc::new(AtomicBool::new(false));
        let point = strikes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let run = self.run(point, |host| Arc::new(Strikes::new(host, strikes, Arc::clone(&hit))));
        hit.load(Ordering::Relaxed).then_some(run)
    }

    /// A run for each call and each exchange that is possible before it, for good, and undone before the next call.
    pub fn exchanges(&self, exchanges: &[Exchange]) -> impl Iterator<Item = Run<'_, T>> {
        let mut strikes = Vec::new();
        for (before, possible) in self.possible(exchanges).into_iter().enumerate() {
            for exchange in possible.into_iter().map(|position| &exchanges[position]) {
                strikes.push(Strike { exchange, before, undone_before: None });
                if exchange.can_be_undone() {
                    strikes.push(Strike { exchange, before, undone_before: Some(before + 1) });
                }
            }
        }
        strikes.into_iter().filter_map(|strike| self.struck(&[strike]))
    }
}

/// The exchanges that are possible before each call.
struct Survey {
    exchanges: Vec<Exchange>,
    found: Mutex<Vec<Vec<usize>>>,
}

struct Surveyed {
    host: FakeBackend,
    survey: Arc<Survey>,
}

impl<P: SearchedCall> Between<P> for Surveyed {
    fn before(&self, _: P) -> Result<(), Errno> {
        let Survey { exchanges, found } = &*self.survey;
        let is_possible = |position: &usize| exchanges[*position].is_possible(&self.host);
        let possible = (0..exchanges.len()).filter(is_possible).collect();
        found.lock().unwrap_or_else(PoisonError::into_inner).push(possible);
        Ok(())
    }
}
