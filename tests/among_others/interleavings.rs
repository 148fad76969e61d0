//! Two callers at once: after each run the results and the machine are those of one after the other.

use std::collections::{BTreeMap, HashMap};

use mountwright_fake::test_kit::Schedule;
use mountwright_fake::{ModelKernel, SharedMachine};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};

use crate::alone::alone;
use crate::found::Found;
use crate::host::{Host, Layout};
use crate::operations::{
    Answer, Before, DONE, INCOMPLETE, Kind, MOUNT, Operation, Ports, SET_UP_FIRST, STRICTLY, Start, prepare, recover,
};
use crate::seen::{FileSeen, Seen, files, tables};
use crate::turns::{Ran, run};

/// Depth of the search of a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Largest number of switches.
    pub(crate) segments: usize,
    /// Largest number of runs, about: places of a switch are left out in equal steps.
    pub(crate) most: usize,
}

impl Depth {
    /// The step from place to place, for callers that make so many calls alone.
    fn step(self, [one, other]: [usize; 2]) -> usize {
        let mut step = 1;
        let runs = |step: usize| {
            let (one, other) = (one.div_ceil(step), other.div_ceil(step));
            (0..self.segments).fold(2, |runs, index| {
                runs * if index % 2 == 0 { one.max(other) } else { one.min(other) } / (index / 2 + 1)
            })
        };
        while runs(step) > self.most {
            step += 1;
        }
        step
    }
}

/// Result of one caller after the other.
#[derive(Clone, Default, PartialEq, Eq)]
struct Outcome {
    answers: [Answer; 2],
    state: String,
    /// The machine after a recovery.
    recovered: String,
}

/// A pair of operations on a host.
pub(crate) struct Pair<'a> {
    host: Host,
    before: Before,
    syscalls: SyscallSet,
    operations: [&'a Operation; 2],
    initial: String,
    sequential: [Outcome; 2],
    /// Number of calls of each.
    calls: [usize; 2],
    /// The states that a machine's raw text stands for.
    states: HashMap<([Vec<u8>; 2], u64), String>,
    subject: String,
    context: String,
}

/// Raw tables and files, hashed: equal values are the same state.
type Raw = ([Vec<u8>; 2], u64);

fn hash(files: &BTreeMap<String, FileSeen>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for (path, file) in files {
        (path, file.mode, file.gid, &file.contents).hash(&mut hasher);
    }
    hasher.finish()
}

pub(crate) fn prepared(layout: Layout, start: Start) -> (Host, Before) {
    prepared_on(layout, start, SyscallSet::ALL)
}

/// A host from which operations start, prepared by the calls of one kernel: records have the ids of that kernel.
pub(crate) fn prepared_on(layout: Layout, start: Start, syscalls: SyscallSet) -> (Host, Before) {
    let host = Host::new(layout);
    let machine = SharedMachine::new(host.machine.clone());
    let backend = LinuxBackend::over(ModelKernel::new(machine.clone(), host.callers[0])).with_syscalls(syscalls);
    let before = prepare(Ports::of(&backend), layout, start);
    drop(backend);
    let machine = machine.lock().clone();
    (Host { machine, ..host }, before)
}

impl<'a> Pair<'a> {
    pub(crate) fn new(layout: Layout, (set, syscalls): (&str, SyscallSet), operations: [&'a Operation; 2]) -> Self {
        let [one, other] = operations;
        // The setup for both: the larger one.
        let start = one.start.max(other.start);
        let (host, before) = prepared(layout, start);
        let mut pair = Self {
            host,
            before,
            syscalls,
            operations,
            initial: String::new(),
            sequential: Default::default(),
            calls: [0, 0],
            states: HashMap::new(),
            subject: if one.name == other.name {
                format!("{} twice", one.name)
            } else {
                format!("{} ∥ {}", one.name, other.name)
            },
            context: format!("{layout:?}, {set}"),
        };
        pair.initial = Seen::of(&pair.host).comparable();
        pair.sequential = [0, 1].map(|beginner| {
            // The results of one caller after the other.
            let ran = pair.run(&Schedule::in_order(beginner));
            let state = pair.state(&ran.host);
            pair.calls = [0, 1].map(|side| pair.calls[side].max(ran.calls[side]));
            let recovered = pair.repeat(&ran.host, 0, &recover).1;
            Outcome { answers: ran.answers, state, recovered }
        });
        pair
    }

    fn run(&self, schedule: &Schedule) -> Ran {
        run(&self.host, self.syscalls, &self.before, self.operations, schedule)
    }

    fn state(&mut self, host: &Host) -> String {
        let files = files(host);
        let raw: Raw = (tables(host), hash(&files));
        if let Some(known) = self.states.get(&raw) {
            return known.clone();
        }
        let state = Seen { mounts: crate::seen::mounts(host), files }.comparable();
        self.states.insert(raw, state.clone());
        state
    }

    /// Every schedule of this depth.
    pub(crate) fn search(&mut self, depth: Depth, found: &mut Found) {
        let step = depth.step(self.calls);
        for beginner in [0, 1] {
            self.deeper(beginner, (depth.segments, step), &mut Vec::new(), found);
        }
    }

    fn deeper(&mut self, beginner: usize, depth: (usize, usize), segments: &mut Vec<usize>, found: &mut Found) {
        let (most, step) = depth;
        let mut length = 1;
        loop {
            segments.push(length);
            let before = found.runs;
            let mut more = segments.len() < most && {
                self.deeper(beginner, depth, segments, found);
                found.runs > before
            };
            // The deepest, or the deepest possible with callers of so few calls.
            if !more {
                let schedule = Schedule { beginner, segments: segments.clone(), alone: self.calls };
                let ran = self.run(&schedule);
                more = ran.used == segments.len();
                // The last segment may end with its caller; then every longer one is the same run.
                if ran.used + 1 >= segments.len() {
                    found.runs += 1;
                    self.judge(&schedule, &ran, found);
                }
            }
            segments.pop();
            if !more {
                return;
            }
            length += step;
        }
    }

    fn judge(&mut self, schedule: &Schedule, ran: &Ran, found: &mut Found) {
        let state = self.state(&ran.host);
        let kinds = ran.answers.each_ref().map(|answer| answer.kind.as_str()).join(", ");
        *found.answers.entry((self.subject.clone(), kinds)).or_default() += 1;
        let Some(name) = self.violation(ran, &state) else { return };
        let (subject, context) = (self.subject.clone(), self.context.clone());
        found.note(&subject, name, || {
            let answers = ran.answers.each_ref().map(|answer| &answer.text);
            let expected = self.sequential.each_ref().map(|o| o.answers.each_ref().map(|a| a.kind.clone()));
            let nearest = self.sequential.iter().map(|o| difference(&o.state, &state)).min_by_key(String::len);
            let switches = switches(ran);
            format!("[{context}] {schedule:?}\n  answers {answers:?}\n  one after the other: {expected:?}\n  state differs by: {}\n  calls: {switches}", nearest.unwrap_or_default())
        });
    }

    fn violation(&self, ran: &Ran, state: &str) -> Option<&'static str> {
        if ran.endless {
            return Some("endless-retry");
        }
        let host = &ran.host;
        if host.callers.iter().any(|&pid| host.machine.descriptors(pid).is_ok_and(|all| !all.is_empty())) {
            return Some("open-descriptor");
        }
        let kinds = |outcome: &Outcome| outcome.answers.iter().zip(&ran.answers).all(|(a, b)| a.kind == b.kind);
        if self.sequential.iter().any(|outcome| kinds(outcome) && outcome.state == *state) {
            return None;
        }
        let name = self.name_of(ran, state);
        let is_fine = name != "source-covered"
            && (self.is_conflict(ran)
                || self.is_half_removed(ran)
                || self.was_in_use(ran)
                || self.was_missed(ran, state)
                || self.went_along(ran, state));
        (!is_fine).then_some(name)
    }

    /// One of two different requests was refused as a conflict, and done when it was repeated: one after the other.
    fn is_conflict(&self, ran: &Ran) -> bool {
        let [one, other] = self.operations;
        let conflicts = [0, 1].map(|side| ran.answers[side].is_conflict() || self.is_too_old_for(&ran.answers[side]));
        if one.name == other.name || conflicts == [false; 2] || conflicts == [true; 2] {
            return false;
        }
        let side = usize::from(conflicts[1]);
        let again = self.repeat(&ran.host, side, &|ports| (self.operations[side].run)(ports, &self.before, side));
        self.sequential.iter().any(|outcome| outcome.state == again.1 && outcome.answers[side].kind == again.0.kind)
    }

    /// A removal of a directory in which the other caller made something reports what it kept, and a recovery has the
    /// same result.
    fn is_half_removed(&self, ran: &Ran) -> bool {
        let makes = |side: usize| self.operations[side].kind == Kind::Makes;
        let Some(at) = [0, 1].into_iter().find(|&side| makes(side) && !makes(1 - side)) else { return false };
        let (made, removed) = (&ran.answers[at], &ran.answers[1 - at]);
        let known = |answer: &Answer| self.sequential.iter().any(|outcome| outcome.answers[at].kind == answer.kind);
        if self.operations[1 - at].kind != Kind::Removes
            || !(made.is_success() || known(made) && made.left.is_empty())
            || ![DONE, INCOMPLETE].contains(&removed.kind.as_str())
        {
            return false;
        }
        let (answer, state) = self.repeat(&ran.host, 0, &recover);
        let ends = |outcome: &Outcome| *state == *outcome.recovered;
        answer.kind == DONE && self.sequential.iter().any(ends)
    }

    /// A strict tear-down was refused because the other caller had a directory open, and is done when it is repeated.
    fn was_in_use(&self, ran: &Ran) -> bool {
        let refused = |side: &usize| ran.answers[*side].kind == INCOMPLETE;
        let is_strict = |side: &usize| self.operations[*side].name == STRICTLY;
        let sides: Vec<_> = [0, 1].into_iter().filter(refused).collect();
        if sides.is_empty() || !sides.iter().all(is_strict) {
            return false;
        }
        let run = |ports: Ports<'_>| (self.operations[sides[0]].run)(ports, &self.before, 0);
        let (answer, state) = self.repeat(&ran.host, 0, &run);
        answer.kind == DONE && self.sequential.iter().any(|outcome| outcome.state == state)
    }

    /// Before 5.15 a slave bind is refused below a mount that another caller makes shared at that moment.
    fn is_too_old_for(&self, answer: &Answer) -> bool {
        !self.syscalls.allows(Call::MountSetattr) && answer.kind == "EOPNOTSUPP" && answer.left.is_empty()
    }

    /// Before 6.8 a share that another caller makes while the guest's mount has no master reaches the copies at the peers
    /// alone.
    fn was_missed(&self, ran: &Ran, state: &str) -> bool {
        let without_guest = |text: &str| {
            let rest = text.lines().filter(|line| !line.starts_with("true /w/sb/shared/"));
            rest.fold(String::new(), |text, line| text + line + "\n")
        };
        !self.syscalls.allows(Call::Statmount)
            && self.operations[0].name == SET_UP_FIRST
            && self.operations[1].kind == Kind::Makes
            && ran.answers.iter().all(Answer::is_success)
            && self.sequential.iter().any(|outcome| without_guest(&outcome.state) == state)
    }

    /// A mount was stacked on an unfinished bind: the bind was rolled back together with it, and made again.
    fn went_along(&self, ran: &Ran, state: &str) -> bool {
        let is_mount = |side: &usize| self.operations[*side].name == MOUNT;
        let Some(side) = [0, 1].into_iter().find(is_mount).filter(|&side| !is_mount(&(1 - side))) else { return false };
        let other = |ports: Ports<'_>| (self.operations[1 - side].run)(ports, &self.before, 1 - side);
        ran.answers.iter().all(Answer::is_success) && self.repeat(&self.host, 1 - side, &other).1 == *state
    }

    /// One more call, alone: its result and the machine after it.
    fn repeat(&self, host: &Host, side: usize, run: &dyn Fn(Ports<'_>) -> Answer) -> (Answer, String) {
        let lone = alone(host, host.callers[side], self.syscalls, run);
        let state = Seen::of(&lone.host).comparable();
        (lone.answer, state)
    }

    fn name_of(&self, ran: &Ran, state: &str) -> &'static str {
        let same_state = self.sequential.iter().any(|outcome| outcome.state == state);
        let expected =
            |side: usize| self.sequential.iter().any(|outcome| outcome.answers[side].kind == ran.answers[side].kind);
        let unexplained = [0, 1].into_iter().any(|side| !ran.answers[side].is_success() && !expected(side));
        // No caller mounts on a source; on the mounts directory only the set-up that binds it onto itself does.
        let more = |is_one: fn(&&str) -> bool| {
            let count = |text: &str| text.lines().filter(is_one).count();
            let now = count(state);
            now > count(&self.initial) && self.sequential.iter().all(|outcome| now > count(&outcome.state))
        };
        let onto_itself = |line: &&str| line.starts_with("true /w/sb/mounts ");
        if more(|line| line.starts_with("true /h/") || line.starts_with("true /w/sb/mounts ") && line.contains(" ro,"))
        {
            "source-covered"
        } else if more(onto_itself) {
            "bound-onto-itself-twice"
        } else if unexplained && !ran.answers.iter().any(Answer::is_success) {
            "none-has-it"
        } else if ran.answers.iter().any(|answer| !answer.left.is_empty()) {
            "others-thing-reported-as-left"
        } else if unexplained && same_state {
            "failure-though-done"
        } else if unexplained {
            "unexplained-error"
        } else {
            "result-not-sequential"
        }
    }
}

/// The lines that one has and the other does not, or has more often.
pub(crate) fn difference(expected: &str, found: &str) -> String {
    let lines = |one: &str, other: &str, sign: &str| {
        let mut other: Vec<_> = other.lines().collect();
        let is_missing = |line: &&str| match other.iter().position(|other| other == line) {
            Some(index) => {
                other.swap_remove(index);
                false
            }
            None => true,
        };
        let missing: Vec<_> = one.lines().filter(is_missing).collect();
        missing.into_iter().fold(String::new(), |text, line| text + "\n    " + sign + " " + line)
    };
    lines(expected, found, "-") + &lines(found, expected, "+")
}

/// The calls, each row those of one caller without a switch.
fn switches(ran: &Ran) -> String {
    let mut text = String::new();
    let mut last = None;
    for &(side, call) in &ran.log {
        if last != Some(side) {
            text += ["\n    A:", "\n    B:"][side];
            last = Some(side);
        }
        text += " ";
        text += call.name();
    }
    text
}
