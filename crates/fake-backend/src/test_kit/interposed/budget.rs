//! An end for what does not end by itself.

use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use crate::test_kit::interposed::between::{Between, Point};

/// Calls that no operation of the library comes near to.
const TOO_MANY_CALLS: usize = 3000;

/// Refuses every call (`ESRCH`) once a run has made thousands.
#[derive(Debug, Default)]
pub struct Budget(AtomicBool);

impl Budget {
    /// Whether there were so many.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<P: Point> Between<P> for Budget {
    fn before(&self, point: P) -> Result<(), Errno> {
        if point.number() < TOO_MANY_CALLS {
            return Ok(());
        }
        self.0.store(true, Ordering::Relaxed);
        Err(Errno::ESRCH)
    }
}
