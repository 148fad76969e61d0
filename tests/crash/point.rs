//! One point of a run at which its process is killed.

use std::fmt;

use mountwright_core::mount::Guarantee;
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::naive::Naive;
use mountwright_tests::namespace;
use mountwright_tests::searched::{
    Answer, Expected, KernelScene, Operation, Parent, Run, Rung, Violation, differences, operation, rungs, verdict,
};
use mountwright_tests::traced::{End, Next, traced};
use serde::{Deserialize, Serialize};

/// The request to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) operation: String,
    pub(crate) rung: String,
    pub(crate) long: bool,
}

/// The reply of a worker.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) no_namespace: Option<String>,
    /// The number of times that the process was killed.
    pub(crate) points: usize,
    /// The numbers of deaths after which everything was as before, and as after the whole run.
    pub(crate) before: usize,
    pub(crate) whole: usize,
    /// The number of deaths that left a staging directory; the second run removes it.
    pub(crate) scaffolding: usize,
    /// The violations, in words.
    pub(crate) bad: Vec<String>,
}

impl Reply {
    pub(crate) fn add(&mut self, other: &Self) {
        self.points += other.points;
        self.before += other.before;
        self.whole += other.whole;
        self.scaffolding += other.scaffolding;
        self.bad.extend_from_slice(&other.bad);
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, before, whole, scaffolding, bad, .. } = self;
        let between = points.saturating_sub(before + whole);
        write!(f, "{points:>5} points, {} bad; as before {before}, whole {whole}, on the way {between}", bad.len())?;
        if *scaffolding > 0 {
            write!(f, " ({scaffolding} with a staging place left)")?;
        }
        Ok(())
    }
}

/// In a worker: kills one operation on one rung at every point, with either parent.
pub(crate) fn serve(Request { operation: name, rung, long }: Request) -> Reply {
    let known = operation::all().into_iter().find(|known| known.name == name);
    let operation = known.expect("a known operation");
    let way = Way::named(&rung);
    let mut reply = Reply::default();
    if let Err(error) = namespace::enter() {
        reply.no_namespace = Some(error.to_string());
        return reply;
    }
    for &parent in Parent::on_kernel(long) {
        let expected = in_fresh_root("undisturbed", move || undisturbed(&operation, way, parent)).expect("a namespace");
        for number in 0.. {
            let expected = expected.clone();
            let point = move || killed(&operation, way, parent, number, &expected);
            let point = in_fresh_root("point", point).expect("a namespace");
            let Some(call) = point.at else { break };
            reply.points += 1;
            reply.before += usize::from(point.before);
            reply.whole += usize::from(point.whole);
            reply.scaffolding += usize::from(point.scaffolding);
            let said = point.found.iter().map(|bad| format!("{}: {}", bad.harm, bad.what));
            reply.bad.extend(said.map(|bad| format!("{parent:?}, before call {number} (number {call}): {bad}")));
        }
    }
    reply
}

struct Point {
    /// The system call that was not made; `None`: the process ended by itself before.
    at: Option<u64>,
    before: bool,
    whole: bool,
    scaffolding: bool,
    found: Vec<Violation>,
}

/// The implementation under test.
#[derive(Clone, Copy)]
enum Way {
    Backend(Rung),
    /// By paths: check, mkdir, mount, remount. The same check has to find harm in it.
    Naive,
}

impl Way {
    fn named(name: &str) -> Self {
        match rungs(true).into_iter().find(|rung| rung.name == name) {
            Some(rung) => Self::Backend(rung),
            None => Self::Naive,
        }
    }

    fn run(self, operation: &Operation) -> Answer {
        match self {
            Self::Backend(rung) => (operation.run)(&LinuxBackend::new().with_ladder(rung.ladder)),
            Self::Naive => match Naive::new(Linux::new(), "/shared/box", "/src/tree").share() {
                Ok(()) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
                Err(errno) => Answer::Failed { errno: Some(errno), left: Vec::new() },
            },
        }
    }

    /// Does what has to precede a second run.
    fn prepare_again(self, operation: &Operation) {
        if let (Self::Backend(rung), Some(before)) = (self, operation.before_again) {
            before(&LinuxBackend::new().with_ladder(rung.ladder));
        }
    }

    fn detached(self) -> bool {
        matches!(self, Self::Backend(rung) if rung.detached())
    }
}

fn undisturbed(operation: &Operation, way: Way, parent: Parent) -> Expected {
    let scene = KernelScene::build(parent, &(operation.prepare)());
    let before = scene.snapshot();
    let answer = way.run(operation);
    Expected { before, whole: scene.snapshot(), succeeds: answer.is_done(), detached: way.detached() }
}

fn killed(operation: &Operation, way: Way, parent: Parent, number: usize, expected: &Expected) -> Point {
    let scene = KernelScene::build(parent, &(operation.prepare)());
    let (mut calls, mut at) = (0, None);
    let end = traced(
        || {
            way.run(operation);
            0
        },
        |call| {
            calls += 1;
            if calls <= number {
                return Next::Go;
            }
            at = Some(call);
            Next::Kill
        },
    );
    let end = end.expect("the process can be traced");
    assert_eq!(end == End::Killed, at.is_some(), "it ended by {end:?}");
    let after = scene.snapshot();
    let dead = Run { answer: Answer::Failed { errno: None, left: Vec::new() }, window: false, endless: false, open: 0 };
    let (mut found, scaffolding) = verdict::after_death(operation, expected, &dead, &after);
    if !operation.stacking {
        way.prepare_again(operation);
        let answer = way.run(operation);
        found.extend(verdict::after_second_run(expected, &answer, &scene.snapshot()));
    }
    let same = |other| differences(other, &after).is_empty();
    Point { at, before: same(&expected.before), whole: same(&expected.whole), scaffolding, found }
}
