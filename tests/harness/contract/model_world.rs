//! A backend on the fake's model. The model's syscall face sets it up and inspects it.

use std::path::Path;

use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Backend, Errno};
use mountwright_fake::{Credentials, Machine, ModelKernel, Pid, Server, SharedMachine};

use super::case::Case;
use super::world::{Held, Serving, World};
use crate::machine::furnish_model;
use crate::scenario_runner::calls::ProcessCalls;
use crate::scenario_runner::model_calls::ModelCalls;

/// A fresh machine, its first process, and a backend for that process.
pub struct ModelWorld<B> {
    backend: B,
    process_root: fn(&B) -> Option<&dyn ProcessRoot>,
    changes_trees: bool,
    machine: SharedMachine,
}

/// Plays a case on a fresh machine, with the backend that `make` makes for its first process. `make` also returns true
/// if that backend may change whole trees at once.
pub fn play_on_model<B: Backend>(case: Case, make: impl FnOnce(&SharedMachine, Pid) -> (B, bool)) {
    play(case, make, |_| None);
}

/// As [`play_on_model`], for a case of [`root_cases`](super::root_cases).
pub fn play_roots_on_model<B: Backend + ProcessRoot>(case: Case, make: impl FnOnce(&SharedMachine, Pid) -> (B, bool)) {
    play(case, make, |backend| Some(backend));
}

fn play<B: Backend>(
    case: Case,
    make: impl FnOnce(&SharedMachine, Pid) -> (B, bool),
    process_root: fn(&B) -> Option<&dyn ProcessRoot>,
) {
    let machine = SharedMachine::new(Machine::new());
    let (backend, changes_trees) = make(&machine, ME);
    furnish_model(&ModelKernel::new(machine.clone(), ME), "dir /run; mount proc proc /proc; tmpfs:w /w");
    machine.lock().umask(ME, 0o022).expect("the first process is there");
    let world = ModelWorld { backend, process_root, changes_trees, machine };
    case.run(&world);
}

const ME: Pid = Machine::INIT;

impl<B: Backend> World for ModelWorld<B> {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn process_root(&self) -> Option<&dyn ProcessRoot> {
        (self.process_root)(&self.backend)
    }

    fn changes_trees(&self) -> bool {
        self.changes_trees
    }

    fn with_calls(&self, act: &mut dyn FnMut(&mut dyn ProcessCalls)) {
        act(&mut ModelCalls { machine: &mut self.machine.lock(), pid: ME });
    }

    fn held(&self, fd: i32) -> Held {
        Held::new(OpenFile { machine: self.machine.clone(), fd })
    }

    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno> {
        let server = match server {
            Serving::AnotherUser => Server::Serves(1000),
            Serving::FailsLookUps(errno) => Server::FailsLookUps(errno),
        };
        furnish_model(&ModelKernel::new(self.machine.clone(), ME), &format!("tmpfs:served {}", path.display()));
        self.machine.lock().set_server(path, server).map(Held::new)
    }

    fn set_umask(&self, mask: u16) -> u16 {
        let before = self.machine.lock().umask(ME, mask.into()).expect("the first process is there");
        u16::try_from(before).expect("nine bits")
    }

    fn drop_capabilities(&self) -> Result<(), Errno> {
        let mut machine = self.machine.lock();
        let present = machine.credentials(ME)?;
        machine.set_credentials(ME, Credentials { capabilities: 0, ..present })
    }

    fn mountinfo(&self) -> Vec<u8> {
        self.machine.lock().mountinfo(ME).expect("the first process is there")
    }

    fn open_descriptors(&self) -> usize {
        self.machine.lock().descriptors(ME).expect("the first process is there").len()
    }
}

/// A descriptor that closes when it is dropped.
struct OpenFile {
    machine: SharedMachine,
    fd: i32,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.machine.lock().close(ME, self.fd).expect("nobody else closes it");
    }
}
