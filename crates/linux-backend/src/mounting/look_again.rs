//! Bounded polling of a state that another caller is about to change.

use crate::LinuxBackend;
use crate::syscalls::Kernel;
use crate::syscalls::failure::Step;

/// The number of polls. The loser of a race unmounts its mount within a few system calls.
pub(crate) const MOST_LOOKS: u32 = 64;
/// The number of polls, about half a second, where what a loser has put over a mount would make that mount stay: the loser may
/// be held up on a busy machine.
pub(crate) const MOST_LOOKS_AT_A_COVER: u32 = 200;
/// The number of polls, about two seconds, where the winner of a race is known to be between two of its system calls.
pub(crate) const MOST_LOOKS_AT_A_LEAVER: u32 = 660;

impl<K: Kernel> LinuxBackend<K> {
    /// Polls until `look` returns a value, and lets other threads run in between. `None`: it never did.
    pub(crate) fn look_again<T>(&self, look: impl FnMut() -> Step<Option<T>>) -> Step<Option<T>> {
        self.look_as_often(MOST_LOOKS, look)
    }

    /// As [`look_again`](Self::look_again), this many times at most.
    pub(crate) fn look_as_often<T>(&self, most: u32, mut look: impl FnMut() -> Step<Option<T>>) -> Step<Option<T>> {
        for looks in 1..=most {
            if let Some(found) = look()? {
                return Ok(Some(found));
            }
            self.calls.0.let_others_run(looks);
        }
        Ok(None)
    }
}
