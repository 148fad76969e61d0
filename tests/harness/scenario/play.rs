//! Running a scenario.

use super::normalise::{InodeLabels, snapshot_of};
use super::outcome::Outcome;
use super::recording::Recording;
use super::scenario_record::Scenario;
use super::step::Step;
use super::world::{CannotRun, Tables, World};

/// Runs the scenario's set-up and history on a fresh world, and records the outcome.
///
/// # Errors
///
/// [`CannotRun`] if the world cannot perform a step, or a step of the set-up fails. An errno of the history belongs to
/// the recording.
pub fn play(world: &mut dyn World, scenario: &Scenario) -> Result<Recording, CannotRun> {
    let mut tables = Tables::new();
    for (index, step) in scenario.setup.iter().enumerate() {
        world.perform(step)?.map_err(|errno| CannotRun::SetupFailed { index, step: step.to_string(), errno })?;
        // The tables are read even if they are not used, so that a world sees every filesystem while it exists.
        if let Some(now) = world.changed_tables()? {
            tables = now;
        }
    }
    if let Some(now) = world.changed_tables()? {
        tables = now;
    }
    let mut recording = Recording { tables: vec![(-1, snapshot_of(&tables))], ..Recording::default() };
    let mut inodes = InodeLabels::default();
    for (index, step) in scenario.ops.iter().enumerate() {
        record(world, index, step, &mut tables, &mut inodes, &mut recording)?;
    }
    Ok(recording)
}

fn record(
    world: &mut dyn World,
    index: usize,
    step: &Step,
    tables: &mut Tables,
    inodes: &mut InodeLabels,
    recording: &mut Recording,
) -> Result<(), CannotRun> {
    let answer = world.perform(step)?;
    if let Some(now) = world.changed_tables()? {
        *tables = now;
        let snapshot = snapshot_of(tables);
        // Numbers may change while every label stays.
        if recording.tables.last().is_none_or(|(_, last)| *last != snapshot) {
            recording.tables.push((i64::try_from(index).unwrap_or(i64::MAX), snapshot));
        }
    }
    match answer {
        Err(errno) => recording.results.push(Outcome::Failed(errno)),
        Ok(answer) => {
            let present = tables.get(&world.present()).map_or(&[][..], Vec::as_slice);
            if let Some(value) = inodes.value_of(answer, present) {
                recording.values.insert(index, value);
            }
            recording.results.push(Outcome::Ok);
        }
    }
    Ok(())
}
