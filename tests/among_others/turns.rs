//! Two callers that take turns at system calls.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use mountwright_core::Errno;
use mountwright_fake::{ModelKernel, SharedMachine};
use mountwright_linux::{Call, Ladder, LinuxBackend};
use mountwright_tests::interposed::{Between, Interposed, Moment};

use crate::host::Host;
use crate::operations::{Answer, Before, Operation, Ports};

/// Calls that no two operations come near to.
pub(crate) const TOO_MANY_CALLS: usize = 4000;

/// The caller that begins, and after how many calls each has to let the other continue; after the last each runs to its end.
///
/// A caller that makes many more calls than it makes alone looks again at what the other one is about to change: then the
/// other one continues, and no further segment counts.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) beginner: usize,
    pub(crate) segments: Vec<usize>,
    /// Number of calls that each makes alone.
    pub(crate) alone: [usize; 2],
}

impl Schedule {
    /// Number of calls after which a caller is said to wait for the other one.
    fn patience(&self, side: usize) -> usize {
        2 * self.alone[side] + 20
    }
}

/// Result of two callers.
pub(crate) struct Ran {
    pub(crate) host: Host,
    pub(crate) answers: [Answer; 2],
    /// Number of segments that ended by a switch: a caller may end before.
    pub(crate) used: usize,
    pub(crate) calls: [usize; 2],
    pub(crate) endless: bool,
    /// Caller and call, in order.
    pub(crate) log: Vec<(usize, Call)>,
}

#[derive(Default)]
struct State {
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
    log: Vec<(usize, Call)>,
}

struct Turns {
    schedule: Schedule,
    state: Mutex<State>,
    changed: Condvar,
}

impl Turns {
    fn new(schedule: &Schedule) -> Self {
        let mut state = State {
            turn: schedule.beginner,
            segments: schedule.segments.clone().into_iter(),
            until: [0, 1].map(|side| schedule.patience(side)),
            ..State::default()
        };
        Self::next_segment(&mut state);
        Self { schedule: schedule.clone(), state: Mutex::new(state), changed: Condvar::new() }
    }

    fn next_segment(state: &mut State) {
        state.left = state.segments.next().unwrap_or(usize::MAX);
    }

    /// Returns true if this caller has to let the other one continue, and switches to it.
    fn switches(&self, state: &mut State, side: usize) -> bool {
        if state.done[1 - side] {
            return false;
        }
        if state.calls[side] >= state.until[side] {
            state.until[side] = state.calls[side] + self.schedule.patience(side);
            (state.segments, state.left) = (Vec::new().into_iter(), usize::MAX);
        } else if state.left == 0 {
            state.used += 1;
            Self::next_segment(state);
        } else {
            return false;
        }
        state.turn = 1 - side;
        self.changed.notify_all();
        true
    }

    fn before(&self, side: usize, moment: Moment) -> Result<(), Errno> {
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
        state.log.push((side, moment.call));
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

/// One of the two.
struct Side {
    turns: Arc<Turns>,
    side: usize,
}

impl Between for Side {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        if moment.probe { Ok(()) } else { self.turns.before(self.side, moment) }
    }
}

struct End<'a>(&'a Turns, usize);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

/// Lets two callers go, as the schedule says.
pub(crate) fn run(host: &Host, ladder: Ladder, before: &Before, pair: [&Operation; 2], schedule: &Schedule) -> Ran {
    let machine = SharedMachine::new(host.machine.clone());
    let turns = Arc::new(Turns::new(schedule));
    let call = |side: usize| {
        // Dropped last, also when the operation panics: the other one must not wait for ever.
        let _end = End(&turns, side);
        let kernel = ModelKernel::new(machine.clone(), host.callers[side]);
        let between = Side { turns: Arc::clone(&turns), side };
        let backend = LinuxBackend::over(Interposed::new(kernel, between)).with_ladder(ladder);
        (pair[side].run)(Ports::of(&backend), before, side)
    };
    let answers = std::thread::scope(|scope| {
        let other = scope.spawn(|| call(1));
        let mine = call(0);
        [mine, other.join().expect("an operation does not panic")]
    });
    let mut state = turns.state.lock().unwrap_or_else(PoisonError::into_inner);
    let log = std::mem::take(&mut state.log);
    let machine = machine.lock().clone();
    let host = Host { machine, ..host.clone() };
    Ran { host, answers, used: state.used, calls: state.calls, endless: state.endless, log }
}
