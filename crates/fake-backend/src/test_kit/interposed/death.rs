//! The death of the process.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use crate::test_kit::interposed::between::{Between, Point};

/// Ends the process right after one of its calls.
///
/// `end` closes the descriptors of the process; a real one does not return from it. Every later call is refused: a guard
/// that unwinds has no effect.
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

impl<P: Point> Between<P> for Death {
    fn before(&self, _point: P) -> Result<(), Errno> {
        // ESRCH ends every loop of the backend.
        if self.has_come() { Err(Errno::ESRCH) } else { Ok(()) }
    }

    fn after(&self, point: P) {
        if point.number() == self.after {
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
