//! One scenario, one sandbox.

use super::kernel_world::KernelWorld;
use super::stage::Stage;
use crate::scenario::{CannotRun, Recording, Scenario, play};

/// Plays the scenario in a fresh sandbox on the stage.
///
/// # Errors
///
/// [`CannotRun`], also where the kernel is older than the scenario's rule.
pub fn play_on_kernel(stage: &mut Stage, scenario: &Scenario) -> Result<Recording, CannotRun> {
    let running = stage.kernel();
    match scenario.since {
        Some(since) if since > running => Err(CannotRun::KernelTooOld { running, since }),
        _ => play(&mut KernelWorld::new(stage)?, scenario),
    }
}
