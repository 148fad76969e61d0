//! The death of the process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use super::{Between, Moment};

/// Ends the process right after one of its calls.
///
/// `end` closes the process's descriptors and does what else its end implies; a real end does not return. From then on
/// every call is refused: nothing unwinds, so that no guard acts, as in a killed process.
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

    /// Returns true if the process has ended.
    pub fn has_come(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }
}

impl Between for Death {
    fn before(&self, _moment: Moment) -> Result<(), Errno> {
        // No code of the backend handles ESRCH: it ends every loop.
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
