//! The calls of a run.

use std::sync::{Mutex, PoisonError};

use crate::test_kit::interposed::between::{Between, Moment, Point};

/// Keeps the calls that were made, in order.
#[derive(Debug)]
pub struct Count<P = Moment>(Mutex<Vec<P>>);

impl<P> Default for Count<P> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<P: Point> Count<P> {
    /// The calls so far.
    pub fn calls(&self) -> Vec<P> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<P: Point> Between<P> for Count<P> {
    fn after(&self, point: P) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(point);
    }
}
