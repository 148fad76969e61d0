//! Code between the calls.

use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_linux::Call;

/// One call of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The number in the run: 0 is the first.
    pub number: usize,
    /// The system call.
    pub call: Call,
    /// It only probes for the call.
    pub probe: bool,
}

/// Code that runs before and after every system call.
pub trait Between: Send + Sync + 'static {
    /// Before a call. On an error the call is not made and fails with this errno; later hooks do not run.
    ///
    /// # Errors
    ///
    /// The errno of the call.
    fn before(&self, _moment: Moment) -> Result<(), Errno> {
        Ok(())
    }

    /// After a call that was made, whatever its result.
    fn after(&self, _moment: Moment) {}
}

impl Between for () {}

/// Both in sequence, the first one first.
impl<A: Between, B: Between> Between for (A, B) {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        self.0.before(moment)?;
        self.1.before(moment)
    }

    fn after(&self, moment: Moment) {
        self.0.after(moment);
        self.1.after(moment);
    }
}

impl<B: Between> Between for Option<B> {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        self.as_ref().map_or(Ok(()), |between| between.before(moment))
    }

    fn after(&self, moment: Moment) {
        if let Some(between) = self {
            between.after(moment);
        }
    }
}

impl<B: Between + ?Sized> Between for Arc<B> {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        (**self).before(moment)
    }

    fn after(&self, moment: Moment) {
        (**self).after(moment);
    }
}
