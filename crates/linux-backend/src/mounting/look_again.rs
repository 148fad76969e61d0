//! Bounded polling of a state that another caller is about to change.

use crate::syscalls::failure::Step;

/// The number of polls. The loser of a race unmounts its mount within a few system calls.
pub(crate) const MOST_LOOKS: usize = 100;

/// Polls until `look` returns a value, and yields to other threads in between. `None`: it never did.
pub(crate) fn look_again<T>(mut look: impl FnMut() -> Step<Option<T>>) -> Step<Option<T>> {
    for _ in 0..MOST_LOOKS {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        std::thread::yield_now();
    }
    Ok(None)
}
