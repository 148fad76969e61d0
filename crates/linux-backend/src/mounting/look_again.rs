//! A bounded number of looks at something that another caller is about to change.

use crate::syscalls::failure::Step;

/// The number of looks. The loser of a race unmounts what it has mounted within a few system calls.
pub(crate) const MOST_LOOKS: usize = 100;

/// Looks until `look` returns something, and lets other threads run in between. `None`: it never did.
pub(crate) fn look_again<T>(mut look: impl FnMut() -> Step<Option<T>>) -> Step<Option<T>> {
    for _ in 0..MOST_LOOKS {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        std::thread::yield_now();
    }
    Ok(None)
}
