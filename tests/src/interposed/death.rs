//! The death of the process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use super::{Between, Moment};

/// Ends the process right after one of its calls.
///
/// What `end` does closes the process's descriptors and whatever else its end means; a real one does not come back from it.
/// From then on every call is refused: nothing unwinds, so that no guard acts as a killed process would not.
pub struct Death {
    after: usize,
    dead: AtomicBool,
    end: Box<dyn Fn() + Send + Sync>,
}

impl Death {
    /// Ends the process by `end` after the call of this number.
    pub fn after(number: usize, end: impl Fn() + Send + Sync + 'static) -> Self {
        Self { after: number, dead: AtomicBool::new(false), end: Box::new(end) }
    }

    /// Whether it has come.
    pub fn has_come(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }
}

impl Between for Death {
    fn before(&self, _moment: Moment) -> Result<(), Errno> {
        // Nothing asks for its number: a call that answers ESRCH ends every loop of the backend.
        if self.has_come() { Err(Errno::ESRCH) } else { Ok(()) }
    }

    fn after(&self, moment: Moment) {
        if moment.number == self.after {
            (self.end)();
            self.dead.store(true, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Death").field("after", &self.after).field("dead", &self.dead).finish_non_exhaustive()
    }
}
