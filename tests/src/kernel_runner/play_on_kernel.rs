//! One scenario, one sandbox.

use super::kernel_world::KernelWorld;
use super::stage::Stage;
use crate::scenario::{CannotRun, Recording, Scenario, play};

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
