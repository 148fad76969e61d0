//! Every result of callers one after the other, as the kernel gives it.

use std::collections::{BTreeMap, HashSet};

use crate::callers::ground::Ground;
use crate::operations::{Answer, Before, Operation, Ports, recover};

/// A state of the machine, and the shortest order that leads to it.
struct State {
    text: String,
    way: Vec<usize>,
    /// For each side: the kind of its result here, and the state after it.
    next: Vec<(String, usize)>,
    /// After a recovery.
    recovered: String,
}

/// The states that two operations lead to in any order and number, each tried before the first round.
pub(crate) struct Orders<'a> {
    ground: &'a Ground,
    pair: [&'static Operation; 2],
    states: Vec<State>,
}

/// Number of callers by side and kind of result.
type Counts = BTreeMap<(usize, String), usize>;

impl<'a> Orders<'a> {
    /// For this number of callers at most.
    pub(crate) fn new(ground: &'a Ground, pair: [&'static Operation; 2], callers: usize) -> Self {
        let mut orders = Self { ground, pair, states: Vec::new() };
        ground.prepare();
        orders.add(Vec::new(), ground.look());
        let mut state = 0;
        while state < orders.states.len() {
            if orders.states[state].way.len() < callers {
                orders.states[state].next = [0, 1].map(|side| orders.step(state, side)).into();
            }
            state += 1;
        }
        orders
    }

    /// The number of a state.
    fn add(&mut self, way: Vec<usize>, text: String) -> usize {
        let known = self.states.iter().position(|known| known.text == text);
        known.unwrap_or_else(|| {
            recover(Ports::of(&self.ground.backend));
            self.states.push(State { text, way, next: Vec::new(), recovered: self.ground.look() });
            self.states.len() - 1
        })
    }

    /// One call on the machine as it is.
    pub(crate) fn call(&self, before: &Before, side: usize) -> Answer {
        (self.pair[side].run)(Ports::of(&self.ground.backend), before, side)
    }

    fn step(&mut self, state: usize, side: usize) -> (String, usize) {
        let before = self.ground.prepare();
        let mut way = self.states[state].way.clone();
        for &earlier in &way {
            self.call(&before, earlier);
        }
        let kind = self.call(&before, side).kind;
        way.push(side);
        (kind, self.add(way, self.ground.look()))
    }

    /// Returns true if some order of these calls has these results and leaves the machine in this state.
    pub(crate) fn explain(&self, results: &[(usize, Answer)], text: &str) -> bool {
        let mut counts = Counts::new();
        for (side, answer) in results {
            *counts.entry((*side, answer.kind.clone())).or_default() += 1;
        }
        self.follow(0, &counts, text, &mut HashSet::new())
    }

    fn follow(&self, state: usize, left: &Counts, text: &str, seen: &mut HashSet<(usize, Counts)>) -> bool {
        if left.is_empty() {
            return self.states[state].text == text;
        }
        if !seen.insert((state, left.clone())) {
            return false;
        }
        self.states[state].next.iter().enumerate().any(|(side, (kind, after))| {
            let key = (side, kind.clone());
            let Some(&count) = left.get(&key) else { return false };
            let mut rest = left.clone();
            if count == 1 {
                rest.remove(&key)
            } else {
                rest.insert(key, count - 1)
            };
            self.follow(*after, &rest, text, seen)
        })
    }

    /// Returns true if some order leads to this state of the machine.
    pub(crate) fn leads_to(&self, text: &str) -> bool {
        self.states.iter().any(|state| state.text == text)
    }

    /// Returns true if some order and a recovery lead to this state of the machine.
    pub(crate) fn recovers_to(&self, text: &str) -> bool {
        self.states.iter().any(|state| state.recovered == text)
    }

    /// The lines by which the nearest state differs; where none does, the shortest order that leads to it.
    pub(crate) fn difference(&self, text: &str) -> String {
        if let Some(state) = self.states.iter().find(|state| state.text == text) {
            return format!("nothing, after {:?}", state.way);
        }
        let nearest = self.states.iter().map(|state| crate::interleavings::difference(&state.text, text));
        nearest.min_by_key(String::len).unwrap_or_default()
    }
}
