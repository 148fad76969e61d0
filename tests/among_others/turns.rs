//! Two callers that take turns at system calls.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use mountwright_core::Errno;
use mountwright_fake::{ModelKernel, SharedMachine};
use mountwright_linux::{Call, Ladder, LinuxBackend};
use mountwright_tests::interposed::{Between, Interposed, Moment};

use crate::host::Host;
use crate::operations::{Answer, Before, Operation, Ports};

/// Calls that no two operations come near to.
const TOO_MANY_CALLS: usize = 4000;

/// The caller that begins, and after how many calls each has to let the other continue; after the last each runs to its end.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) beginner: usize,
    pub(crate) segments: Vec<usize>,
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
    endless: bool,
    log: Vec<(usize, Call)>,
}

#[derive(Default)]
struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

impl Turns {
    fn next_segment(state: &mut State) {
        state.left = state.segments.next().unwrap_or(usize::MAX);
    }

    fn before(&self, side: usize, moment: Moment) -> Result<(), Errno> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            while state.turn != side {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.left > 0 || state.done[1 - side] {
                break;
            }
            state.turn = 1 - side;
            state.used += 1;
            Self::next_segment(&mut state);
            self.changed.notify_all();
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
    let turns = Arc::new(Turns::default());
    {
        let mut state = turns.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.turn = schedule.beginner;
        state.segments = schedule.segments.clone().into_iter();
        Turns::next_segment(&mut state);
    }
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
