//! A call that fails.

use std::sync::OnceLock;

use mountwright_core::Errno;

use crate::test_kit::interposed::between::{Between, Moment, Point};

/// Duration of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowLong {
    /// This one call.
    Once,
    /// This call, and every later one of its kind.
    ForGood,
}

/// Makes the call of one number fail.
#[derive(Debug)]
pub struct Fault<P = Moment> {
    number: usize,
    errno: Errno,
    how_long: HowLong,
    failing: OnceLock<P>,
}

impl<P: Point> Fault<P> {
    /// The call of this number fails with `errno`.
    pub fn new(number: usize, errno: Errno, how_long: HowLong) -> Self {
        Self { number, errno, how_long, failing: OnceLock::new() }
    }
}

impl<P: Point> Between<P> for Fault<P> {
    fn before(&self, point: P) -> Result<(), Errno> {
        let is_like = self.failing.get().is_some_and(|failing| failing.is_like(point));
        let again = self.how_long == HowLong::ForGood && is_like && !point.is_probe();
        if point.number() == self.number || point.number() > self.number && again {
            self.failing.get_or_init(|| point);
            return Err(self.errno);
        }
        Ok(())
    }
}
