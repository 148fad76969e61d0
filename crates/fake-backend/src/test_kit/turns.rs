//! Two callers that take turns at their calls.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use mountwright_core::Errno;

use crate::test_kit::interposed::between::{Between, Point};

/// More calls than any two operations of the library make.
const TOO_MANY_CALLS: usize = 4000;

/// The caller that begins, and the number of calls after which each lets the other continue; after the last segment each
/// runs to its end.
///
/// A caller that makes many more calls than it makes alone looks again at something that the other one is about to change.
/// Then the other one continues, and no further segment counts.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// 0 or 1.
    pub beginner: usize,
    /// Numbers of calls, of one caller and the other by turns.
    pub segments: Vec<usize>,
    /// Number of calls that each makes alone.
    pub alone: [usize; 2],
}

impl Schedule {
    /// One caller after the other.
    pub fn in_order(beginner: usize) -> Self {
        Self { beginner, segments: Vec::new(), alone: [TOO_MANY_CALLS; 2] }
    }

    /// Number of calls after which a caller is said to wait for the other one.
    fn patience(&self, side: usize) -> usize {
        2 * self.alone[side] + 20
    }
}

/// Result of two callers.
#[derive(Debug)]
pub struct Turned<P, T> {
    /// Their results.
    pub results: [T; 2],
    /// Number of segments that ended by a switch: a caller may end before.
    pub used: usize,
    /// Number of calls of each.
    pub calls: [usize; 2],
    /// They made thousands of calls, and were ended (`ESRCH`).
    pub endless: bool,
    /// Caller and call, in order.
    pub log: Vec<(usize, P)>,
}

/// Runs `act` for caller 0 and caller 1, each with the turn that has to act between its calls.
///
/// # Panics
/// If `act` panics.
pub fn take_turns<P: Point, T: Send>(schedule: &Schedule, act: impl Fn(usize, Turn<P>) -> T + Sync) -> Turned<P, T> {
    let turns = Arc::new(Turns::new(schedule));
    let call = |side: usize| {
        // Dropped last, also when the operation panics: the other one must not wait for ever.
        let _end = End(&turns, side);
        act(side, Turn { turns: Arc::clone(&turns), side })
    };
    let results = std::thread::scope(|scope| {
        let other = scope.spawn(|| call(1));
        let mine = call(0);
        [mine, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
    });
    let mut state = turns.state.lock().unwrap_or_else(PoisonError::into_inner);
    let log = std::mem::take(&mut state.log);
    Turned { results, used: state.used, calls: state.calls, endless: state.endless, log }
}

struct State<P> {
    turn: usize,
    /// Calls left in the present segment.
    left: usize,
    segments: std::vec::IntoIter<usize>,
    used: usize,
    done: [bool; 2],
    calls: [usize; 2],
    /// Number of calls at which each lets the other continue.
    until: [usize; 2],
    endless: bool,
    log: Vec<(usize, P)>,
}

struct Turns<P> {
    schedule: Schedule,
    state: Mutex<State<P>>,
    changed: Condvar,
}

impl<P: Point> Turns<P> {
    fn new(schedule: &Schedule) -> Self {
        let mut segments = schedule.segments.clone().into_iter();
        let state = State {
            turn: schedule.beginner,
            left: segments.next().unwrap_or(usize::MAX),
            segments,
            used: 0,
            done: [false; 2],
            calls: [0; 2],
            until: [0, 1].map(|side| schedule.patience(side)),
            endless: false,
            log: Vec::new(),
        };
        Self { schedule: schedule.clone(), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Returns true if this caller has to let the other one continue, and switches to it.
    fn switches(&self, state: &mut State<P>, side: usize) -> bool {
        if state.done[1 - side] {
            return false;
        }
        if state.calls[side] >= state.until[side] {
            state.until[side] = state.calls[side] + self.schedule.patience(side);
            (state.segments, state.left) = (Vec::new().into_iter(), usize::MAX);
        } else if state.left == 0 {
            state.used += 1;
            state.left = state.segments.next().unwrap_or(usize::MAX);
        } else {
            return false;
        }
        state.turn = 1 - side;
        self.changed.notify_all();
        true
    }

    fn before(&self, side: usize, point: P) -> Result<(), Errno> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while state.turn != side {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if !self.switches(&mut state, side) {
                break;
            }
        }
        state.left = state.left.saturating_sub(1);
        state.calls[side] += 1;
        state.log.push((side, point));
        if state.log.len() > TOO_MANY_CALLS {
            state.endless = true;
            return Err(Errno::ESRCH);
        }
        Ok(())
    }

    fn end(&self, side: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done[side] = true;
        if state.turn == side {
            state.turn = 1 - side;
            state.left = usize::MAX;
        }
        self.changed.notify_all();
    }
}

/// The turn of one caller: waits before each call until the schedule has it.
pub struct Turn<P> {
    turns: Arc<Turns<P>>,
    side: usize,
}

impl<P> std::fmt::Debug for Turn<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("side", &self.side).finish_non_exhaustive()
    }
}

impl<P: Point> Between<P> for Turn<P> {
    fn before(&self, point: P) -> Result<(), Errno> {
        if point.is_probe() { Ok(()) } else { self.turns.before(self.side, point) }
    }
}

struct End<'a, P: Point>(&'a Turns<P>, usize);

impl<P: Point> Drop for End<'_, P> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}
