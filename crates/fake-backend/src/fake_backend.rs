//! The ports on the model.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mountwright_core::error::Subject;
use mountwright_core::mount::BindReport;
use mountwright_core::mount::{NamespaceGuard, PinnedNamespace, RootRequest};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Errno, MountRequest, Mounter, Operation, OsError};
use mountwright_core::{Propagation, Recursion};
use mountwright_linux::LinuxBackend;

use crate::fault_injection::control::{Control, Controlled};
use crate::fault_injection::failure::Failure;
use crate::fault_injection::journal::{Journal, PortCall};
use crate::fault_injection::plan::{Plan, Verdict};
use crate::fault_injection::ports::controlled_ports;
use crate::model::filesystems::filesystem_type::is_known_but_not_modelled;
use crate::model::machine::Machine;
use crate::model::objects::pid::Pid;
use crate::model_kernel::process_calls::ModelKernel;
use crate::model_kernel::shared_machine::SharedMachine;

/// A function of the test that runs before a call.
type Hook = Arc<Mutex<dyn FnMut(&FakeBackend, &PortCall) + Send>>;

/// The ports on a modelled machine: [`Filesystem`](mountwright_core::Filesystem) with
/// [`Directory`](mountwright_core::Directory), and [`Mounter`](mountwright_core::Mounter), as one process of that machine.
///
/// * It is [`LinuxBackend`] over the system calls of the model ([`ModelKernel`]): the code that runs on Linux, with the
///   errno of Linux 6.18, or with the system calls of an older kernel
///   ([`HostBuilder::kernel`](crate::HostBuilder::kernel)).
/// * A clone is another handle to the same machine and process; [`snapshot`](Self::snapshot) is an independent copy.
/// * A port call is several system calls, as on Linux: another thread's calls can come between them. Hooks run between port
///   calls.
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
    linux: LinuxBackend<ModelKernel>,
    /// Injected failures, hooks and journal of this handle; `None` for the test's own handle.
    plan: Option<Arc<Mutex<Plan<Hook>>>>,
}

impl FakeBackend {
    /// Returns a backend for the first process of a new machine with an empty root (see [`Machine::new`]).
    pub fn new() -> Self {
        Self::from(Machine::new())
    }

    /// Returns a backend for this process of a machine that may have other holders.
    pub fn over(machine: Arc<Mutex<Machine>>, process: Pid) -> Self {
        Self::of(ModelKernel::new(machine.into(), process))
    }

    fn of(kernel: ModelKernel) -> Self {
        Self { linux: LinuxBackend::over(kernel), plan: Some(Arc::default()) }
    }

    /// Returns another process's handle to the same machine, with a journal and injected failures of its own. For the
    /// same process, it is the process that is started after a crash.
    pub fn for_process(&self, process: Pid) -> Self {
        Self::of(ModelKernel::new(self.shared_machine().clone(), process))
    }

    /// The process that makes the calls.
    pub fn process(&self) -> Pid {
        self.linux.kernel().process()
    }

    /// Runs `act` on the machine, past the ports, by its syscall face. The machine is locked for `act`, which must not
    /// use a handle to the same machine, which would deadlock.
    pub fn machine<T>(&self, act: impl FnOnce(&mut Machine) -> T) -> T {
        act(&mut self.shared_machine().lock())
    }

    /// Returns an independent copy of the machine as it is now, at almost no cost, with an empty journal and no
    /// injected failures. Directories that are open at the port are not open in the copy.
    pub fn snapshot(&self) -> Self {
        let mut machine = self.machine(|machine| machine.clone());
        machine.close_all_of_ports();
        Self::of(ModelKernel::new(SharedMachine::new(machine), self.process()))
    }

    /// The system calls of the process.
    pub fn kernel(&self) -> ModelKernel {
        self.linux.kernel().clone()
    }

    fn shared_machine(&self) -> &SharedMachine {
        self.linux.kernel().machine()
    }

    fn plan(&self) -> Option<MutexGuard<'_, Plan<Hook>>> {
        self.plan.as_ref().map(|plan| plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Controlled for FakeBackend {
    type Control = Self;
    type Ports = LinuxBackend<ModelKernel>;

    fn control(&self) -> &Self {
        self
    }

    fn ports(&self) -> &LinuxBackend<ModelKernel> {
        &self.linux
    }

    fn mount_now(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        self.linux.mount(request).map_err(|error| naming_the_gap(error, &request.fs_type))
    }
}

controlled_ports!(FakeBackend);

impl ProcessRoot for FakeBackend {
    fn pin_namespace(&self) -> Result<PinnedNamespace, OsError> {
        let call = ("ProcessRoot::pin_namespace", Operation::PinNamespace);
        self.call(call, || Subject::Namespace, || self.linux.pin_namespace())
    }

    fn enter_root(&self, request: RootRequest) -> Result<(), OsError> {
        let call = ("ProcessRoot::enter_root", Operation::EnterRoot);
        let new_root = request.new_root().for_display();
        self.call(call, || new_root.clone().into(), || self.linux.enter_root(request))
    }

    fn set_root_propagation(
        &self,
        propagation: Propagation,
        recursion: Recursion,
        guard: &NamespaceGuard,
    ) -> Result<(), OsError> {
        let call = ("ProcessRoot::set_root_propagation", Operation::SetPropagation);
        let set = || self.linux.set_root_propagation(propagation, recursion, guard);
        self.call(call, || Path::new("/").into(), set)
    }
}

impl Control for FakeBackend {
    fn detailed_call<T>(
        &self,
        (_, operation): (&'static str, Operation),
        subject: impl Fn() -> Subject,
        detail: impl FnOnce() -> String,
        make: impl FnOnce() -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let Some(mut plan) = self.plan() else { return make() };
        let number = plan.next_number();
        let hook = plan.hook();
        drop(plan);
        let mut call = PortCall { number, operation, subject: subject(), detail: detail(), answer: Ok(()) };
        if let Some(hook) = hook {
            run(&hook, &self.unobserved(), &call);
        }
        let verdict = self.plan().map_or(Verdict::Make, |mut plan| plan.judge(&call));
        let done = match verdict {
            Verdict::Make => make(),
            Verdict::Refuse(errno, step) => Err(OsError::new(operation, subject(), errno).at_step(step)),
        };
        call.answer = done.as_ref().map(drop).map_err(OsError::errno);
        let ends = self.plan().is_some_and(|mut plan| plan.note(call));
        if ends {
            self.machine(|machine| machine.close_all_of_ports_of(self.process()));
        }
        done
    }

    fn is_active(&self) -> bool {
        self.plan.is_some()
    }

    fn has_ended(&self) -> bool {
        self.plan().is_some_and(|plan| plan.has_ended())
    }
}

/// The step of an error about a type that Linux has and the model lacks.
const TYPE_NOT_MODELLED: &str = "fsopen: the fake does not model this type (docs/fake.md)";
/// The same for the value of an option.
const OPTION_NOT_MODELLED: &str = "fsconfig: the fake does not model this value (docs/fake.md)";

/// Adds the missing feature of the model to an error that it has caused.
fn naming_the_gap(error: OsError, fs_type: &OsStr) -> OsError {
    match (error.errno(), error.step()) {
        (Errno::ENODEV, Some("fsopen" | "mount")) if is_known_but_not_modelled(fs_type.as_bytes()) => {
            error.at_step(TYPE_NOT_MODELLED)
        }
        (Errno::EOPNOTSUPP, Some("fsconfig" | "mount")) => error.at_step(OPTION_NOT_MODELLED),
        _ => error,
    }
}

/// Failures, hooks and the journal for the calls of this handle and its clones. Calls are counted from 1, over both
/// ports.
impl FakeBackend {
    /// Returns a handle to the same machine and process without injected failures, hooks or journal. A test uses it to
    /// prepare and inspect the machine, and to act as another process.
    pub fn unobserved(&self) -> Self {
        Self { linux: self.linux.clone(), plan: None }
    }

    /// Injects a failure into a call. If several failures match a call, the one that was added first applies.
    ///
    /// ```
    /// use mountwright_core::{Errno, Mounter, Operation};
    /// use mountwright_fake::{FakeBackend, Failure};
    ///
    /// let host = FakeBackend::new();
    /// host.fail(Failure::of_call(2, Errno::EIO).among(Operation::Mounts));
    /// assert!(host.mounts().is_ok());
    /// assert_eq!(host.mounts().unwrap_err().errno(), Errno::EIO);
    /// assert!(host.mounts().is_ok());
    /// ```
    pub fn fail(&self, failure: Failure) {
        if let Some(mut plan) = self.plan() {
            plan.add_failure(failure);
        }
    }

    /// Calls `hook` before every call, with an [unobserved](Self::unobserved) handle for changes to the host: an
    /// adversary that acts between any two calls. A later hook replaces an earlier one.
    ///
    /// ```
    /// use mountwright_core::{Errno, FileMode, Filesystem, Location, Operation};
    /// use mountwright_fake::FakeBackend;
    ///
    /// let host = FakeBackend::new();
    /// let place = Location::trusted("/d");
    /// host.between(|host, call| {
    ///     if call.operation == Operation::RemoveDir {
    ///         host.create_file(&Location::trusted("/d/f"), FileMode::from_bits(0o644)).unwrap();
    ///     }
    /// });
    /// host.create_dir(&place, FileMode::from_bits(0o755))?;
    /// assert_eq!(host.remove_dir(&place).unwrap_err().errno(), Errno::ENOTEMPTY);
    /// # Ok::<(), mountwright_core::OsError>(())
    /// ```
    pub fn between(&self, hook: impl FnMut(&Self, &PortCall) + Send + 'static) {
        if let Some(mut plan) = self.plan() {
            plan.set_hook(Some(Arc::new(Mutex::new(hook))));
        }
    }

    /// Ends the process after this many more calls: its descriptors are closed, and every later call of this handle is
    /// `ESRCH` and not made. [`for_process`](Self::for_process) returns a handle for the next process.
    ///
    /// ```
    /// use mountwright_core::{Errno, FileMode, Filesystem, Location};
    /// use mountwright_core::file::FinalSymlink;
    /// use mountwright_fake::FakeBackend;
    ///
    /// let host = FakeBackend::new();
    /// let (one, two) = (Location::trusted("/one"), Location::trusted("/two"));
    /// host.crash_after(1);
    /// host.create_dir(&one, FileMode::from_bits(0o755))?;
    /// assert_eq!(host.create_dir(&two, FileMode::from_bits(0o755)).unwrap_err().errno(), Errno::ESRCH);
    /// let next = host.for_process(host.process());
    /// assert!(next.metadata(&one, FinalSymlink::Follow).is_ok() && next.metadata(&two, FinalSymlink::Follow).is_err());
    /// # Ok::<(), mountwright_core::OsError>(())
    /// ```
    pub fn crash_after(&self, calls: usize) {
        if let Some(mut plan) = self.plan() {
            plan.end_after(calls);
        }
    }

    /// The calls so far, in order, with their results.
    pub fn journal(&self) -> Journal {
        self.plan().map(|plan| plan.journal().clone()).unwrap_or_default()
    }

    /// Forgets the calls so far. They stay counted.
    pub fn clear_journal(&self) {
        if let Some(mut plan) = self.plan() {
            plan.clear_journal();
        }
    }
}

impl Default for FakeBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Machine> for FakeBackend {
    /// Returns a backend for the machine's first process.
    fn from(machine: Machine) -> Self {
        Self::over(Arc::new(Mutex::new(machine)), Machine::INIT)
    }
}

/// Runs a hook. A panic in an earlier run is ignored.
fn run(hook: &Hook, host: &FakeBackend, call: &PortCall) {
    let mut hook = hook.lock().unwrap_or_else(PoisonError::into_inner);
    hook(host, call);
}
