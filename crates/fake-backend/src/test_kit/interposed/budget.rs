//! A limit for runs that do not end by themselves.

use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use crate::test_kit::interposed::between::{Between, Point};

/// More calls than any operation of the library makes.
const TOO_MANY_CALLS: usize = 30_000;

/// Refuses every call (`ESRCH`) once a run has made thousands.
#[derive(Debug, Default)]
pub struct Budget(AtomicBool);

impl Budget {
    /// Returns true if the limit was reached.
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
