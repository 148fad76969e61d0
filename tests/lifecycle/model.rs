//! The fake's model as ground: a value, so that every run begins with a copy.

use mountwright_core::Backend;
use mountwright_fake::{At, FakeBackend, Machine, ModelKernel, Pid, SharedMachine, abi};

use crate::ground::{Ground, furnish};

const HERE: At = At::Cwd;
const ME: Pid = Machine::INIT;

/// A modelled machine.
#[derive(Clone)]
pub(crate) struct Model {
    machine: SharedMachine,
    other: Pid,
    stranger: Pid,
}

impl Model {
    /// A machine with the setup of a story, whose mounts are shared or private.
    pub(crate) fn new(shared: bool) -> Self {
        let mut machine = Machine::new();
        for directory in ["/proc", "/run", "/w"] {
            machine.mkdirat(ME, HERE, directory.as_bytes(), 0o755).unwrap();
        }
        for (fs_type, target) in [("proc", "/proc"), ("tmpfs", "/w")] {
            let source = Some((HERE, fs_type.as_bytes()));
            machine.mount(ME, source, (HERE, target.as_bytes()), Some(fs_type.as_bytes()), 0, None).unwrap();
        }
        let machine = SharedMachine::new(machine);
        furnish(&ModelKernel::new(machine.clone(), ME), shared);
        let (other, stranger) = {
            let machine = &mut machine.lock();
            (in_namespace(machine, abi::MS_SLAVE), in_namespace(machine, abi::MS_PRIVATE))
        };
        Self { machine, other, stranger }
    }

    /// An independent copy.
    pub(crate) fn copy(&self) -> Self {
        Self { machine: SharedMachine::new(self.machine.lock().clone()), ..*self }
    }

    /// Returns the machine, for access past the ports.
    pub(crate) fn machine(&self) -> &SharedMachine {
        &self.machine
    }

    /// Two actors: one that sees the same mounts, and one that sees none that were made later.
    pub(crate) fn actors(&self) -> [Pid; 2] {
        [ME, self.stranger]
    }

    pub(crate) fn backend(&self) -> FakeBackend {
        FakeBackend::over(self.machine.shared(), ME)
    }
}

/// A process in a mount namespace of its own, with mounts of this propagation.
fn in_namespace(machine: &mut Machine, propagation: u64) -> Pid {
    let process = machine.fork(ME).unwrap();
    machine.unshare(process, abi::CLONE_NEWNS).unwrap();
    machine.mount(process, None, (HERE, b"/"), None, propagation | abi::MS_REC, None).unwrap();
    process
}

impl Ground for Model {
    type Calls = ModelKernel;

    fn calls(&self) -> ModelKernel {
        ModelKernel::new(self.machine.clone(), ME)
    }

    fn ports(&self) -> Box<dyn Backend + '_> {
        Box::new(self.backend())
    }

    fn elsewhere(&self) -> Vec<u8> {
        self.machine.lock().mountinfo(self.other).unwrap()
    }

    fn descriptors(&self) -> usize {
        self.machine.lock().descriptors(ME).unwrap().len()
    }
}
