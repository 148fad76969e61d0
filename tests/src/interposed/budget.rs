//! A limit for runs that do not end by themselves.

use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use super::{Between, Moment};

/// More calls than any operation makes.
const TOO_MANY_CALLS: usize = 3000;

/// Refuses every call after thousands.
#[derive(Debug, Default)]
pub struct Budget(AtomicBool);

impl Budget {
    /// Returns true if the limit was reached.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Between for Budget {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        if moment.number < TOO_MANY_CALLS {
            return Ok(());
        }
        self.0.store(true, Ordering::Relaxed);
        Err(Errno::ESRCH)
    }
}
