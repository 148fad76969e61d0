//! The ports on the model.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mountwright_core::{Operation, OsError, Subject};

use crate::ports::calls::{Calls, Fd};
use crate::ports::fault::Step;
use crate::{Machine, Pid};

/// The ports on a modelled machine: [`Filesystem`](mountwright_core::Filesystem) with
/// [`Directory`](mountwright_core::Directory), and [`Mounter`](mountwright_core::Mounter), as one process of that machine.
///
/// * A clone is another handle to the same machine and process; [`snapshot`](Self::snapshot) is an independent copy.
/// * It does what `mountwright-linux` does on Linux 6.18 and answers the kernel's errno; every bind and every change of
///   attributes is [`Atomic`](mountwright_core::Guarantee::Atomic), and nothing is ever left over.
/// * One port call is one step: nobody acts while it is made.
///
/// ```
/// use mountwright_core::{BindRequest, FileMode, Filesystem, Location, Mounter};
/// use mountwright_fake::FakeBackend;
///
/// let host = FakeBackend::new();
/// host.create_dir(&Location::trusted("/data"), FileMode::from_bits(0o755))?;
/// let request = BindRequest::new(Location::trusted("/data"), Location::trusted("/mnt"));
/// let report = host.bind(&request.read_only().creating_target(FileMode::from_bits(0o755)))?;
/// let mount = host.mount_of(&Location::trusted("/mnt"))?.mount;
/// assert_eq!(mount.key(), report.mount);
/// assert!(mount.attributes.is_read_only());
/// # Ok::<(), mountwright_core::OsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FakeBackend {
    machine: Arc<Mutex<Machine>>,
    process: Pid,
}

impl FakeBackend {
    /// On a machine of its own with an empty root, as its first process (see [`Machine::new`]).
    pub fn new() -> Self {
        Self::from(Machine::new())
    }

    /// On a machine that somebody else holds too, as this process of it.
    pub fn over(machine: Arc<Mutex<Machine>>, process: Pid) -> Self {
        Self { machine, process }
    }

    /// Another process's handle to the same machine.
    pub fn for_process(&self, process: Pid) -> Self {
        Self::over(Arc::clone(&self.machine), process)
    }

    /// The process that makes the calls.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// Looks at or changes the machine past the ports, by its syscall face. No port call is made meanwhile: `act` must not
    /// use a handle to the same machine, or it waits for itself for ever.
    pub fn machine<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        act(&mut self.lock())
    }

    /// The machine as it is now: an independent copy, which costs next to nothing. Directories that are open at the port
    /// are not open there.
    pub fn snapshot(&self) -> Self {
        let mut machine = self.lock().clone();
        machine.close_all_of_ports();
        Self { machine: Arc::new(Mutex::new(machine)), process: self.process }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic while it was held is reported by the test that panicked.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one port call.
    pub(crate) fn call<T>(
        &self,
        operation: Operation,
        subject: impl FnOnce() -> Subject,
        act: impl FnOnce(&mut Calls<'_>) -> Step<T>,
    ) -> Result<T, OsError> {
        let mut machine = self.lock();
        act(&mut Calls::new(&mut machine, self.process)).map_err(|fault| fault.of(operation, subject()))
    }

    /// Goes on with a port call that gave an iterator.
    pub(crate) fn more<T>(
        &self,
        operation: Operation,
        subject: impl FnOnce() -> Subject,
        act: impl FnOnce(&mut Calls<'_>) -> Step<T>,
    ) -> Result<T, OsError> {
        self.call(operation, subject, act)
    }

    /// Closes a descriptor that a port call has kept.
    pub(crate) fn close(&self, fd: Fd) {
        // The process may have ended, and its descriptors with it.
        let _ = self.lock().close(self.process, fd.0);
    }
}

impl Default for FakeBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Machine> for FakeBackend {
    /// As the machine's first process.
    fn from(machine: Machine) -> Self {
        Self::over(Arc::new(Mutex::new(machine)), Machine::INIT)
    }
}
