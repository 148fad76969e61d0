//! Control over the port calls of a backend.

use mountwright_core::error::Subject;
use mountwright_core::mount::BindReport;
use mountwright_core::{BindRequest, Filesystem, MountRequest, Mounter, Operation, OsError};

/// Acts around each port call, those of open directories and files included.
pub(crate) trait Control: Clone + Send + Sync + 'static {
    /// Makes one port call, or refuses it: its method (`Port::method`) and operation. The detail is for a journal.
    fn detailed_call<T>(
        &self,
        call: (&'static str, Operation),
        subject: impl Fn() -> Subject,
        detail: impl FnOnce() -> String,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError>;

    /// Makes one port call without a detail, or refuses it.
    fn call<T>(
        &self,
        call: (&'static str, Operation),
        subject: impl Fn() -> Subject,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        self.detailed_call(call, subject, String::new, make)
    }

    /// Returns false if no call is changed or recorded.
    fn is_active(&self) -> bool {
        true
    }

    /// Returns true if the process has ended.
    fn has_ended(&self) -> bool {
        false
    }
}

/// A backend whose port calls are under control: `controlled_ports!` makes its ports.
pub(crate) trait Controlled {
    type Control: Control;
    type Ports: Filesystem + Mounter;

    fn control(&self) -> &Self::Control;

    /// The ports without control.
    fn ports(&self) -> &Self::Ports;

    fn bind_now(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        self.ports().bind(request)
    }

    fn mount_now(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        self.ports().mount(request)
    }
}
