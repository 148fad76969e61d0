//! Making a call fail.

use std::sync::OnceLock;

use mountwright_core::Errno;
use mountwright_linux::Call;

use super::{Between, Moment};

/// The duration of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowLong {
    /// This one time.
    Once,
    /// This time, and whenever the same system call is made again.
    ForGood,
}

/// Makes the call of this number fail.
#[derive(Debug)]
pub struct Fault {
    number: usize,
    errno: Errno,
    how_long: HowLong,
    failing: OnceLock<Call>,
}

impl Fault {
    /// Makes the call of this number fail with `errno`.
    pub fn new(number: usize, errno: Errno, how_long: HowLong) -> Self {
        Self { number, errno, how_long, failing: OnceLock::new() }
    }
}

impl Between for Fault {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        let again = self.how_long == HowLong::ForGood && self.failing.get() == Some(&moment.call) && !moment.probe;
        if moment.number == self.number || moment.number > self.number && again {
            self.failing.get_or_init(|| moment.call);
            return Err(self.errno);
        }
        Ok(())
    }
}
