//! One scenario, one machine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fake_world::FakeWorld;
use crate::scenario::{CannotRun, Recording, Scenario, play};

/// Plays the scenario on a fresh machine of the model. The model is a kernel to which every rule applies.
///
/// # Errors
///
/// [`CannotRun`]; a panic of the model is one too.
pub fn play_on_fake(scenario: &Scenario) -> Result<Recording, CannotRun> {
    // The machine is dropped with the panic, so its intermediate state is never used.
    catch_unwind(AssertUnwindSafe(|| play(&mut FakeWorld::new(), scenario)))
        .unwrap_or_else(|_| Err(CannotRun::Broken("the model panicked".to_owned())))
}
