//! The fake's model as ground: a value, so that every run begins with a copy.

use mountwright_core::Backend;
use mountwright_fake::{At, FakeBackend, Machine, ModelKernel, Pid, abi};

use mountwright_tests::machine::furnish_model;

use crate::ground::{Ground, furnishing};

const HERE: At = At::Cwd;
const ME: Pid = Machine::INIT;

/// A modelled machine.
#[derive(Clone)]
pub(crate) struct Model {
    host: FakeBackend,
    other: Pid,
    stranger: Pid,
}

impl Model {
    /// A machine with the setup of a story, whose mounts are shared or private.
    pub(crate) fn new(shared: bool) -> Self {
        let host = FakeBackend::from(Machine::new());
        furnish_model(&host.kernel(), "dir /run; mount proc proc /proc; mount tmpfs tmpfs /w");
        furnish_model(&host.kernel(), &furnishing(shared));
        let (other, stranger) =
            host.machine(|machine| (in_namespace(machine, abi::MS_SLAVE), in_namespace(machine, abi::MS_PRIVATE)));
        Self { host, other, stranger }
    }

    /// The same machine in another state.
    pub(crate) fn now(&self, host: FakeBackend) -> Self {
        Self { host, ..*self }
    }

    /// Two actors: one that sees the same mounts, and one that sees none that were made later.
    pub(crate) fn actors(&self) -> [Pid; 2] {
        [ME, self.stranger]
    }

    /// Returns a handle with a plan of its own.
    pub(crate) fn backend(&self) -> FakeBackend {
        self.host.for_process(ME)
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
        self.host.kernel()
    }

    fn ports(&self) -> Box<dyn Backend + '_> {
        Box::new(self.backend())
    }

    fn elsewhere(&self) -> Vec<u8> {
        self.host.machine(|machine| machine.mountinfo(self.other)).unwrap()
    }

    fn descriptors(&self) -> usize {
        self.host.machine(|machine| machine.descriptors(ME).unwrap().len())
    }
}
