//! One scenario, one sandbox.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::fake_world::FakeWorld;
use super::kernel_world::KernelWorld;
use super::stage::Stage;
use crate::scenario::{CannotRun, Operation, Recording, Scenario, Step, play};

/// Plays the scenario on a fresh machine of the model. The model is a kernel to which every rule applies.
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
    let steps = || scenario.setup.iter().chain(&scenario.ops);
    let with_other_namespaces = steps().any(|step| step.operation.mounts_of_another_namespace());
    if with_other_namespaces && !stage.is_root() {
        return Err(CannotRun::NeedsRoot("a network, ipc or cgroup namespace"));
    }
    if let Some(step) = scenario.setup.iter().find(|step| mounts_control_groups(step)) {
        return Err(CannotRun::NotSupported(format!("control groups in a set-up: {step}")));
    }
    if let Some(step) = scenario.ops.iter().find(|step| changes_control_groups(scenario, &step.operation)) {
        return Err(CannotRun::NotSupported(format!("it would change the machine's control groups: {step}")));
    }
    play(&mut KernelWorld::new(stage, with_other_namespaces)?, scenario)
}

/// Returns true for an operation that may change the hierarchy of control groups, of which the machine has one: in a history
/// that mounts it everything that changes a superblock or a name.
fn changes_control_groups(scenario: &Scenario, operation: &Operation) -> bool {
    let harmless = matches!(
        operation,
        Operation::MountNew { .. }
            | Operation::Fsmount { .. }
            | Operation::Bind { .. }
            | Operation::RemountBind { .. }
            | Operation::Umount { .. }
            | Operation::Stat { .. }
            | Operation::Attributes { .. }
            | Operation::Statfs { .. }
            | Operation::Readdir { .. }
            | Operation::Access { .. }
            | Operation::Setattr { .. }
            | Operation::MoveMount { .. }
            | Operation::OpenTree { .. }
            | Operation::OpenTreeAttr { .. }
            | Operation::PivotRoot { .. }
            | Operation::Chroot { .. }
            | Operation::Chdir { .. }
            | Operation::Close { .. }
            | Operation::CloneNs { .. }
            | Operation::SwitchNs { .. }
            | Operation::DestroyNs { .. }
    );
    scenario.ops.iter().any(mounts_control_groups) && !harmless
}

fn mounts_control_groups(step: &Step) -> bool {
    match &step.operation {
        Operation::MountNew { kind, .. } | Operation::Fsmount { kind, .. } => kind.starts_with("cgroup"),
        _ => false,
    }
}
