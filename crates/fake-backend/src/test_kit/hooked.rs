//! Something between any two port calls, of any backend.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::error::Subject;
use mountwright_core::mount::{BindReport, Guarantee};
use mountwright_core::{BindRequest, Errno, Filesystem, Mounter, Operation, OsError};

use crate::fault_injection::control::{Control, Controlled};
use crate::fault_injection::ports::controlled_ports;
use crate::test_kit::interposed::between::{Between, PortMoment};

/// A backend with something around each port call, those of the directories that it opens included.
#[derive(Clone)]
pub struct Hooked<B> {
    backend: B,
    around: Around,
    /// It cannot bind read-only in one step.
    clumsy: bool,
}

impl<B> fmt::Debug for Hooked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked")
            .field("calls", &self.around.calls)
            .field("clumsy", &self.clumsy)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(crate) struct Around {
    between: Arc<dyn Between<PortMoment>>,
    calls: Arc<Mutex<Vec<PortMoment>>>,
}

impl<B> Hooked<B> {
    /// Puts this around the calls of a backend.
    pub fn new(backend: B, between: Arc<dyn Between<PortMoment>>) -> Self {
        Self { backend, around: Around { between, calls: Arc::default() }, clumsy: false }
    }

    /// Refuses binds that have to be atomic (`EOPNOTSUPP`), as a kernel does that cannot bind read-only in one step.
    #[must_use]
    pub fn without_atomic_binds(mut self, clumsy: bool) -> Self {
        self.clumsy = clumsy;
        self
    }

    /// The calls so far, refused ones included.
    pub fn calls(&self) -> Vec<PortMoment> {
        self.around.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Control for Around {
    fn detailed_call<T>(
        &self,
        (method, operation): (&'static str, Operation),
        subject: impl Fn() -> Subject,
        _: impl FnOnce() -> String,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let call = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let call = PortMoment { number: calls.len(), method, operation };
            calls.push(call);
            call
        };
        self.between.before(call).map_err(|errno| OsError::new(operation, subject(), errno))?;
        let answer = make();
        self.between.after(call);
        answer
    }
}

impl<B: Filesystem + Mounter> Controlled for Hooked<B> {
    type Control = Around;
    type Ports = B;

    fn control(&self) -> &Around {
        &self.around
    }

    fn ports(&self) -> &B {
        &self.backend
    }

    fn bind_now(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        if self.clumsy && request.required() == Guarantee::Atomic {
            return Err(OsError::new(Operation::Bind, request.target().for_display(), Errno::EOPNOTSUPP));
        }
        self.backend.bind(request)
    }
}

controlled_ports!(Hooked<B>, B: Filesystem, Mounter);
