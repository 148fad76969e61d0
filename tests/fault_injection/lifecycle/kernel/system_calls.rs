//! Real system calls that fail, and a process that dies after one of them, in the middle of each story.

use std::sync::Arc;

use libtest_mimic::Trial;
use mountwright_core::Errno;
use mountwright_fake::test_kit::{
    Between, Count, Death, Fault, Hooked, HowLong, Interposed, Moment, errnos, is_a_statement, means_again,
};
use mountwright_linux::{Call, LinuxBackend};
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::kernel_trials::KernelTrials;
use mountwright_tests::settings::Settings;

use super::real::Real;
use crate::search::Found;
use crate::state::State;
use crate::story::{Before, Ended, Story};
use crate::table::Table;
use crate::verdict::Expected;

/// The state after a run, in its namespace.
struct Played<'a> {
    ended: &'a Ended,
    ground: &'a Real,
    before: &'a Before,
}

/// Runs a story in a fresh root, with `between` around the system calls of its sequence.
fn play<T: Send + 'static>(
    story: Story,
    between: Arc<dyn Between>,
    look: impl FnOnce(Played<'_>) -> T + Send + 'static,
) -> T {
    let run = move || {
        let ground = Real::new(story.shared);
        let before = {
            let backend =
                Hooked::new(LinuxBackend::over(ground.linux()), Arc::new(())).without_atomic_binds(story.clumsy);
            (story.prepare)(&backend)
        };
        let ended = {
            let calls = Interposed::new(ground.linux(), between);
            let backend = Hooked::new(LinuxBackend::over(calls), Arc::new(())).without_atomic_binds(story.clumsy);
            (story.tell)(&backend, &before)
        };
        look(Played { ended: &ended, ground: &ground, before: &before })
    };
    in_fresh_root(story.name, run).expect("a namespace")
}

/// Returns the state after an undisturbed story, and the calls of its sequence.
fn expected(story: Story) -> (Expected, Vec<Moment>) {
    let bare = Story { prepare: |_| Before::default(), tell: |_, _| Ended::Whole, ..story };
    let state = |story: Story| play(story, Arc::new(()), |played: Played<'_>| State::of(played.ground));
    let count = Arc::new(Count::default());
    let after = play(story, count.clone(), |played: Played<'_>| {
        assert!(matches!(played.ended, Ended::Whole), "{:?}", played.ended);
        State::of(played.ground)
    });
    let expected = Expected {
        story,
        empty: state(bare),
        then: state(Story { tell: |_, _| Ended::Whole, ..story }),
        after,
        after_detour: state(Story { clumsy: true, ..story }),
    };
    (expected, count.calls())
}

fn faults(story: Story) -> Found {
    let (expected, calls) = expected(story);
    let expected = Arc::new(expected);
    let long = Settings::read().long;
    let mut found = Found::default();
    for moment in calls.iter().filter(|moment| !moment.probe) {
        for errno in failures(moment.call, long) {
            for how_long in [HowLong::Once, HowLong::ForGood].into_iter().take(if long { 2 } else { 1 }) {
                let expected = Arc::clone(&expected);
                let fault = Arc::new(Fault::new(moment.number, errno, how_long));
                let verdict = play(story, fault, move |played| {
                    expected.told(played.ended, &State::of(played.ground))?;
                    expected.law(played.ground, played.before)
                });
                found.note(&format!("call {}, {}, {errno} {how_long:?}", moment.number, moment.call), verdict);
            }
        }
    }
    found
}

/// Errors of a call, without those that state a fact: a false one could not be recognized.
fn failures(call: Call, long: bool) -> Vec<Errno> {
    let mut all = errnos(call, false);
    all.retain(|&errno| !is_a_statement(errno) && !means_again(errno) && errno != Errno::EPERM);
    if !long {
        all.retain(|&errno| errno == Errno::ENOMEM);
        if all.is_empty() {
            all.push(Errno::EIO);
        }
    }
    all
}

fn deaths(story: Story) -> Found {
    let (expected, calls) = expected(story);
    let expected = Arc::new(expected);
    let mut found = Found::default();
    for moment in calls {
        let expected = Arc::clone(&expected);
        // The descriptors close with the backend, and no later call is made.
        let death = Arc::new(Death::after(moment.number, || ()));
        let verdict = play(story, death, move |played| expected.law(played.ground, played.before));
        found.note(&format!("death after call {}, {}", moment.number, moment.call), verdict);
    }
    found
}

/// A search, with its name.
type Search = (&'static str, fn(Story) -> Found);

pub(crate) fn trials(kernel: &KernelTrials, story: Story, table: &Table) -> Vec<Trial> {
    let searches: [Search; 2] = [("kernel faults", faults), ("kernel deaths", deaths)];
    let trial = |(name, search): Search| {
        let table = table.clone();
        kernel.trial_with_roots(format!("{}: {name}", story.name), story.needs, move || {
            let found = search(story);
            table.add(story.name, name, &found);
            assert!(found.points > 0, "nothing was searched");
            assert!(
                found.violations.is_empty(),
                "{} violations: {:#?}",
                found.violations.len(),
                &found.violations[..found.violations.len().min(3)]
            );
            Ok(())
        })
    };
    searches.map(trial).into()
}
