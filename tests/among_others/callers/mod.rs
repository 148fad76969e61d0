//! Threads and processes at once on the kernel: every pair of operations, from 2, 4 and 16 threads and from two processes.
//!
//! The law is that of the [interleavings](crate::interleavings).

mod crew;
mod ground;
mod orders;

use std::collections::BTreeMap;

use libtest_mimic::{Completion, Failed, Trial};
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::{namespace, worker_process};
use serde::{Deserialize, Serialize};

use crate::found::{Found, Table, Violations};
use crate::host::Layout;
use crate::operations::{
    AT_ONE_TARGET, Answer, Before, COMING_AND_GOING, DONE, FS_GROUP, INCOMPLETE, Kind, MOUNT, OF_A_SANDBOX,
    OF_NO_SANDBOX, Operation, Ports, SET_UP_FIRST, SHARED, STRICTLY, UNMOUNT, recover,
};
use crate::seen::Seen;
use crew::Crew;
use ground::Ground;
use orders::Orders;

/// A line of a state: the program in the volume without and with its set-user-id bit, after fsGroup.
const LOST_SET_ID: &str = "/w/volume/program 100775 4321";
const KEPT_SET_ID: &str = "/w/volume/program 104775 4321";

/// The beginning of a line of a state: a mount of a share.
const BELOW_MOUNTS: &str = "true /w/sb/mounts/";

pub(crate) const SEARCH: &str = "callers";

/// Callers of one kind, and the number of rounds in short and in long.
struct Callers {
    name: &'static str,
    crew: fn([&'static Operation; 2]) -> Crew,
    rounds: [usize; 2],
}

const CALLERS: [Callers; 4] = [
    Callers { name: "2 threads", crew: |pair| Crew::of_threads(2, pair), rounds: [8, 2000] },
    Callers { name: "2 processes", crew: Crew::of_processes, rounds: [2, 2000] },
    Callers { name: "4 threads", crew: |pair| Crew::of_threads(4, pair), rounds: [1, 500] },
    Callers { name: "16 threads", crew: |pair| Crew::of_threads(16, pair), rounds: [1, 500] },
];

/// The largest difference of the moments at which two callers begin, in microseconds, from round to round.
const SPREADS: [u64; 4] = [0, 40, 150, 500];

/// A pair for a worker process, by its places in the lists.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Request {
    list: usize,
    pair: [usize; 2],
    long: bool,
}

/// Its result.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Reply {
    no_namespace: Option<String>,
    runs: u64,
    answers: Vec<((String, String), u64)>,
    violations: Vec<((String, String), Violations)>,
}

const LISTS: [&[Operation]; 4] = [OF_A_SANDBOX, OF_NO_SANDBOX, COMING_AND_GOING, AT_ONE_TARGET];

pub(crate) fn serve(request: Request) -> Reply {
    if let Err(error) = namespace::enter() {
        return Reply { no_namespace: Some(error.to_string()), ..Reply::default() };
    }
    let mut found = Found::default();
    for layout in Layout::ALL {
        let list = LISTS[request.list];
        let pair = request.pair.map(|index| &list[index]);
        let of_layout = in_fresh_root("callers", move || round_after_round(layout, pair, request.long));
        found.add(&of_layout.expect("a namespace"));
    }
    let Found { runs, answers, violations } = found;
    Reply {
        runs,
        answers: answers.into_iter().collect(),
        violations: violations.into_iter().collect(),
        no_namespace: None,
    }
}

fn round_after_round(layout: Layout, pair: [&'static Operation; 2], long: bool) -> Found {
    let ground = Ground::new(layout, pair[0].start.max(pair[1].start));
    let mut found = Found::default();
    let orders = Orders::new(&ground, pair, 16);
    // A call that is two has a name of its own for each of two callers.
    let is_two = COMING_AND_GOING.iter().any(|one| one.name == pair[0].name);
    for callers in &CALLERS[..if is_two { 2 } else { CALLERS.len() }] {
        let mut crew = (callers.crew)(pair);
        for round in 0..callers.rounds[usize::from(long)] {
            let before = ground.prepare();
            found.runs += 1;
            match crew.act(&before, SPREADS[round % SPREADS.len()]) {
                Ok(results) => Round { ground: &ground, pair, before, results: &results }.note(&orders, &mut found),
                Err(reason) => {
                    found.note(&subject(pair), "ended-without-a-result", || format!("{}: {reason}", callers.name));
                    return found;
                }
            }
        }
    }
    found
}

fn subject([one, other]: [&Operation; 2]) -> String {
    if one.name == other.name { format!("{} twice", one.name) } else { format!("{} ∥ {}", one.name, other.name) }
}

/// A round that has ended.
struct Round<'a> {
    ground: &'a Ground,
    pair: [&'static Operation; 2],
    before: Before,
    results: &'a [(usize, Answer)],
}

impl Round<'_> {
    /// Counts the results, and the violation if there is one.
    fn note(&self, orders: &Orders<'_>, found: &mut Found) {
        let subject = subject(self.pair);
        for (side, answer) in self.results {
            let text = format!("{}: {}", self.pair[*side].name, answer.kind);
            *found.answers.entry((subject.clone(), text)).or_default() += 1;
        }
        let seen = self.ground.see();
        let text = self.with_set_ids(seen.comparable());
        let Err(name) = self.judge(orders, &seen, &text) else { return };
        found.note(&subject, name, || {
            let texts: Vec<_> = self.results.iter().map(|(side, answer)| (side, &answer.text)).collect();
            let layout = self.ground.layout;
            format!("[{layout:?}] {texts:?}\n  state differs by: {}", orders.difference(&text))
        });
    }

    /// The name of the violation.
    fn judge(&self, orders: &Orders<'_>, seen: &Seen, text: &str) -> Result<(), &'static str> {
        let others = self.results.iter().any(|(_, answer)| self.names_a_thing_of_others(answer));
        if !others && orders.explain(self.results, text) {
            return Ok(());
        }
        if self.went_along(orders, text)
            || self.left_a_copy(orders, seen)
            || self.was_between_two_mounts(orders, text)
            || !others && self.is_done_when_repeated(orders)
            || self.is_half_removed(orders)
        {
            return Ok(());
        }
        let known = orders.leads_to(text);
        Err(match (others, known) {
            (true, _) => "others-thing-reported-as-left",
            (false, true) => "failure-though-done",
            (false, false) => "result-not-sequential",
        })
    }

    /// An error names what its call has made, and what was there when it looked for the last time. What is in use by a mount
    /// then is another caller's: of one beside a removal and more callers, the directory may have been removed, and its name
    /// be that of another's. The same request twice leaves nothing.
    fn names_a_thing_of_others(&self, answer: &Answer) -> bool {
        let is_same = self.pair[0].name == self.pair[1].name;
        let may_be_made_again = self.results.len() > 2 && self.pair.iter().any(|one| one.kind == Kind::Removes);
        answer.names_what_is_used && !may_be_made_again || is_same && !answer.left.is_empty()
    }

    /// Of different operations one was refused, as a conflict or a strict tear-down that met a user: done when repeated.
    fn is_done_when_repeated(&self, orders: &Orders<'_>) -> bool {
        let differ = self.pair[0].name != self.pair[1].name;
        let is_refused = |(side, answer): &(usize, Answer)| {
            differ && answer.is_conflict() || self.pair[*side].name == STRICTLY && answer.kind == INCOMPLETE
        };
        if !self.results.iter().any(is_refused) {
            return false;
        }
        let again = |result: &(usize, Answer)| {
            if is_refused(result) { (result.0, orders.call(&self.before, result.0)) } else { result.clone() }
        };
        let results: Vec<_> = self.results.iter().map(again).collect();
        let text = self.with_set_ids(self.ground.look());
        orders.explain(&results, &text)
    }

    /// A removal of everything beside what makes something reports what it kept; a recovery then comes to the same end.
    fn is_half_removed(&self, orders: &Orders<'_>) -> bool {
        let kinds = self.pair.map(|operation| operation.kind);
        let fits = |(side, answer): &(usize, Answer)| match kinds[*side] {
            Kind::Removes => [DONE, INCOMPLETE].contains(&answer.kind.as_str()),
            _ => !self.names_a_thing_of_others(answer),
        };
        if !(kinds.contains(&Kind::Makes) && kinds.contains(&Kind::Removes) && self.results.iter().all(fits)) {
            return false;
        }
        let recovered = recover(Ports::of(&self.ground.backend));
        let text = self.with_set_ids(self.ground.look());
        recovered.kind == DONE && orders.recovers_to(&text)
    }

    /// Two applications of fsGroup at once may lose set-id bits of a file between an owner change and the mode change after
    /// it: the state as if they had not.
    fn with_set_ids(&self, text: String) -> String {
        let is_fs_group = |(side, _): &&(usize, Answer)| self.pair[*side].name == FS_GROUP;
        if self.results.iter().filter(is_fs_group).count() > 1 { text.replace(LOST_SET_ID, KEPT_SET_ID) } else { text }
    }

    /// At one target a mount that was stacked on a bind before that was done is rolled back with it, and an unmount by path
    /// takes whatever is on top: for a moment the mount of a bind that lost. A bind that lost under a stacked mount names its
    /// own mount as left.
    fn went_along(&self, orders: &Orders<'_>, text: &str) -> bool {
        let names = self.pair.map(|operation| operation.name);
        names[0] != names[1]
            && [MOUNT, UNMOUNT].iter().any(|name| names.contains(name))
            && (orders.leads_to(text) || self.results.iter().any(|(_, answer)| !answer.left.is_empty()))
    }

    /// The mount of a bind that lost a race is unmounted while the winner's mount has left its peers: by another caller's
    /// unmount by path, or because the winner was stopped for longer than the loser waits. One copy stays there, with the
    /// copy of a share in it.
    fn left_a_copy(&self, orders: &Orders<'_>, seen: &Seen) -> bool {
        let is_copy = |index: &usize| {
            let mount = &seen.mounts[*index];
            !mount.here && (mount.point == "/w/t" || mount.point.starts_with(SHARED))
        };
        let copies: Vec<_> = (0..seen.mounts.len()).filter(is_copy).collect();
        let names = self.pair.map(|operation| operation.name);
        self.results.len() > 2
            && (names.contains(&UNMOUNT) || names[0] == SET_UP_FIRST)
            && self.results.iter().all(|(_, answer)| answer.left.is_empty())
            && copies.iter().enumerate().any(|(place, &first)| {
                let without = seen.without_mount(first);
                let explains = |seen: &Seen| {
                    let text = self.with_set_ids(seen.comparable());
                    names.contains(&UNMOUNT) && orders.leads_to(&text) || orders.explain(self.results, &text)
                };
                explains(&without) || copies[place + 1..].iter().any(|&next| explains(&without.without_mount(next - 1)))
            })
    }

    /// If a set-up makes the mounts directory shared, a share that is made between its two mounts counts as made before
    /// it. The same share is then done again after it, and in each mount of a set-up that loses a race: the first of the two
    /// mounts covers one of them, and the others are unmounted with the mounts of the losers.
    fn was_between_two_mounts(&self, orders: &Orders<'_>, text: &str) -> bool {
        let done = self.results.iter().filter(|(side, answer)| *side == 1 && answer.kind == DONE).count();
        self.ground.layout == Layout::MadeShared
            && self.results.len() > 2
            && self.pair[0].name == SET_UP_FIRST
            && self.pair[1].kind == Kind::Makes
            && self.results.iter().all(|(_, answer)| answer.is_success() || answer.kind == "EBUSY")
            && done > 1
            && leads_to_without_copies(orders, &text.lines().collect::<Vec<_>>(), done - 1)
    }
}

/// Returns true if some order leads to this state without at most this many mounts that stand in it twice.
fn leads_to_without_copies(orders: &Orders<'_>, lines: &[&str], copies: usize) -> bool {
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    let is_second = |index: &usize| lines[*index].starts_with(BELOW_MOUNTS) && lines[..*index].contains(&lines[*index]);
    let without = |index| [&lines[..index], &lines[index + 1..]].concat();
    orders.leads_to(&text)
        || copies > 0
            && (0..lines.len())
                .filter(is_second)
                .any(|index| leads_to_without_copies(orders, &without(index), copies - 1))
}

/// Every pair as a trial.
pub(crate) fn trials(long: bool, table: &Table) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (list, operations) in LISTS.iter().enumerate() {
        for one in 0..operations.len() {
            for other in one..operations.len() {
                let request = Request { list, pair: [one, other], long };
                let name = format!("{SEARCH}: {} with {}", operations[one].name, operations[other].name);
                let table = table.clone();
                trials.push(Trial::ignorable_test(name, move || trial(request, &table)));
            }
        }
    }
    trials
}

fn trial(request: Request, table: &Table) -> Result<Completion, Failed> {
    let reply: Reply = worker_process::ask(&request)?;
    if let Some(reason) = &reply.no_namespace {
        return not_run(reason);
    }
    let answers: BTreeMap<_, _> = reply.answers.into_iter().collect();
    let found = Found { runs: reply.runs, answers, violations: reply.violations.into_iter().collect() };
    table.add(SEARCH, &found);
    crate::verdict(SEARCH, &found).map(|()| Completion::Completed)
}
