//! Code between the calls.

use std::fmt::Debug;
use std::sync::Arc;

use mountwright_core::{Errno, Operation};
use mountwright_linux::Call;

/// One call of a run.
pub trait Point: Copy + Debug + Send + Sync + 'static {
    /// Its position in the run: 0 is the first.
    fn number(self) -> usize;

    /// Returns true if the call only probes for a system call.
    fn is_probe(self) -> bool;

    /// Returns true if the other one is a call of the same kind.
    fn is_like(self, other: Self) -> bool;
}

/// One system call of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Position in the run: 0 is the first.
    pub number: usize,
    /// The system call.
    pub call: Call,
    /// It only probes for the call.
    pub probe: bool,
}

impl Point for Moment {
    fn number(self) -> usize {
        self.number
    }

    fn is_probe(self) -> bool {
        self.probe
    }

    fn is_like(self, other: Self) -> bool {
        self.call == other.call
    }
}

/// One port call of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortMoment {
    /// Position in the run: 0 is the first.
    pub number: usize,
    /// The port and its method.
    pub method: &'static str,
    /// Its name in errors.
    pub operation: Operation,
}

impl Point for PortMoment {
    fn number(self) -> usize {
        self.number
    }

    fn is_probe(self) -> bool {
        false
    }

    fn is_like(self, other: Self) -> bool {
        self.operation == other.operation
    }
}

/// Acts before and after every call of a run: system calls ([`Moment`]) or port calls ([`PortMoment`]).
pub trait Between<P = Moment>: Send + Sync + 'static {
    /// Acts before a call. An error is the result of the call, which is then not made.
    ///
    /// # Errors
    /// The result that the call is to have.
    fn before(&self, _point: P) -> Result<(), Errno> {
        Ok(())
    }

    /// Acts after a call that was made, whatever its result.
    fn after(&self, _point: P) {}
}

impl<P> Between<P> for () {}

/// Both, the first one first.
impl<P: Point, A: Between<P>, B: Between<P>> Between<P> for (A, B) {
    fn before(&self, point: P) -> Result<(), Errno> {
        self.0.before(point)?;
        self.1.before(point)
    }

    fn after(&self, point: P) {
        self.0.after(point);
        self.1.after(point);
    }
}

impl<P: Point, B: Between<P>> Between<P> for Option<B> {
    fn before(&self, point: P) -> Result<(), Errno> {
        self.as_ref().map_or(Ok(()), |between| between.before(point))
    }

    fn after(&self, point: P) {
        if let Some(between) = self {
            between.after(point);
        }
    }
}

impl<P: Point, B: Between<P> + ?Sized> Between<P> for Arc<B> {
    fn before(&self, point: P) -> Result<(), Errno> {
        (**self).before(point)
    }

    fn after(&self, point: P) {
        (**self).after(point);
    }
}
