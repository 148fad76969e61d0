//! One scenario, one sandbox.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fake_world::FakeWorld;
use super::kernel_world::KernelWorld;
use super::stage::Stage;
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

/// Plays the scenario in a fresh sandbox on the stage.
///
/// # Errors
///
/// [`CannotRun`], also if this kernel has another rule than the scenario's.
pub fn play_on_kernel(stage: &mut Stage, scenario: &Scenario) -> Result<Recording, CannotRun> {
    let running = stage.kernel();
    let &Scenario { since, until, .. } = scenario;
    if since.is_some_and(|since| running < since) || until.is_some_and(|until| until < running) {
        return Err(CannotRun::OtherKernel { running, since, until });
    }
    play(&mut KernelWorld::new(stage)?, scenario)
}
