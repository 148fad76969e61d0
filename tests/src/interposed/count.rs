//! Counting calls.

use std::sync::{Mutex, PoisonError};

use super::{Between, Moment};

/// Records the calls, in their order.
#[derive(Debug, Default)]
pub struct Count(Mutex<Vec<Moment>>);

impl Count {
    /// The calls so far.
    pub fn calls(&self) -> Vec<Moment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Between for Count {
    fn after(&self, moment: Moment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}
