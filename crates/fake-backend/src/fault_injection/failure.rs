//! Injected failures.

use mountwright_core::{Errno, Operation};

/// A port call that fails with a chosen errno, without being made.
///
/// ```
/// use mountwright_core::{Errno, Operation};
/// use mountwright_fake::Failure;
///
/// let third_call_once = Failure::of_call(3, Errno::EIO);
/// let every_unmount_from_the_second_on = Failure::of_call(2, Errno::EBUSY).among(Operation::Unmount).for_good();
/// # let _ = (third_call_once, every_unmount_from_the_second_on);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Counted from 1, among the calls of the operation where there is one.
    number: usize,
    operation: Option<Operation>,
    errno: Errno,
    for_good: bool,
    seen: usize,
}

impl Failure {
    /// The call of this number fails, once. The first call is 1; counting begins when the failure is added.
    pub fn of_call(number: usize, errno: Errno) -> Self {
        Self { number, operation: None, errno, for_good: false, seen: 0 }
    }

    /// Counts only calls of this operation.
    pub fn among(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Every later call fails too.
    pub fn for_good(mut self) -> Self {
        self.for_good = true;
        self
    }

    /// Counts a call. Returns the errno if the call is to fail.
    pub(crate) fn count(&mut self, operation: Operation) -> Option<Errno> {
        if self.operation.is_some_and(|only| only != operation) {
            return None;
        }
        self.seen += 1;
        let hit = self.seen == self.number || self.for_good && self.seen > self.number;
        hit.then_some(self.errno)
    }
}
