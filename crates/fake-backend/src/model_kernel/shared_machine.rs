//! A machine with several holders.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::machine::Machine;

/// A machine with several holders: a backend, and the rest of the modelled host.
#[derive(Clone, Debug)]
pub struct SharedMachine(Arc<Mutex<Machine>>);

impl SharedMachine {
    /// Shares this machine.
    pub fn new(machine: Machine) -> Self {
        Self(Arc::new(Mutex::new(machine)))
    }

    /// The machine, for another holder.
    pub fn shared(&self) -> Arc<Mutex<Machine>> {
        Arc::clone(&self.0)
    }

    /// The machine. No other holder changes it until the guard is dropped.
    pub fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic of another holder is reported by the test that panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Arc<Mutex<Machine>>> for SharedMachine {
    fn from(machine: Arc<Mutex<Machine>>) -> Self {
        Self(machine)
    }
}
