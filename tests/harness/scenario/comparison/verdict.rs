//! The comparison of a world's outcome with the recording.

use serde::{Deserialize, Serialize};

use super::difference::first_difference;
use super::elsewhere::{Elsewhere, TABLES_BY_AGE};
use super::order_free::{order_free, tables_by_tree};
use super::there::call_since;
use crate::scenario::kernel_version::KernelVersion;
use crate::scenario::recording::Recording;
use crate::scenario::scenario_record::Scenario;
use crate::scenario::step::Step;
use crate::scenario::world::CannotRun;

/// The comparison of a scenario with its recording on a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Errnos, values and tables are those recorded.
    Agrees,
    /// They differ as the scenario says of this kernel; with the name of the change.
    Explained(String),
    /// They are those recorded up to a step whose call this kernel lacks; with the number of such steps.
    NotThere(usize),
    /// They differ otherwise; a report for a person.
    Differs(String),
    /// The machine does not allow it; with the reason.
    NotRun(String),
    /// The scenario is not about the machine's kernel; in words.
    OtherKernel(String),
}

impl Verdict {
    /// Compares what was played with the scenario's recording.
    pub fn of(scenario: &Scenario, played: Result<Recording, CannotRun>) -> Self {
        match played {
            Err(error @ CannotRun::NeedsRoot(_)) => Self::NotRun(error.to_string()),
            Err(error @ CannotRun::OtherKernel { .. }) => Self::OtherKernel(error.to_string()),
            Err(error) => Self::Differs(format!("entirely: {error}")),
            Ok(got) => match first_difference(scenario, &scenario.recorded().unwrap_or_default(), &got) {
                None => Self::Agrees,
                Some(difference) => Self::Differs(difference.to_string()),
            },
        }
    }

    /// Plays the scenario on a kernel of this version, and compares as far as the kernel has the calls.
    ///
    /// A difference must be stored in the scenario for this kernel, and a stored difference must occur.
    pub fn on_kernel(
        kernel: KernelVersion,
        scenario: &Scenario,
        play: impl FnOnce(&Scenario) -> Result<Recording, CannotRun>,
    ) -> Self {
        let lacks = |step: &Step| call_since(&step.operation).is_some_and(|since| since > kernel);
        let not_there = scenario.setup.iter().chain(&scenario.ops).filter(|step| lacks(step)).count();
        if scenario.setup.iter().any(lacks) {
            return Self::NotThere(not_there);
        }
        let end = scenario.ops.iter().position(lacks).unwrap_or(scenario.ops.len());
        let scenario = scenario.up_to(end);
        let mut got = match play(&scenario) {
            Ok(got) => got,
            Err(error) => return Self::of(&scenario, Err(error)),
        };
        let mut expected = scenario.recorded().unwrap_or_default();
        let by_age = kernel >= TABLES_BY_AGE;
        if !by_age {
            (expected, got) = (order_free(&scenario, &expected), order_free(&scenario, &got));
        }
        let reached = |step: i64| usize::try_from(step).map_or(true, |step| step < end);
        let stored = scenario.elsewhere.iter().find(|entry| entry.holds_on(kernel) && reached(entry.step));
        let Some(difference) = first_difference(&scenario, &expected, &got) else {
            return match stored {
                Some(entry) => {
                    Self::Differs(format!("no more: Linux {kernel} has a stored difference, `{}`", entry.change))
                }
                None if not_there > 0 => Self::NotThere(not_there),
                None => Self::Agrees,
            };
        };
        let explains = |entry: &Elsewhere| {
            let tables = entry.tables.as_ref();
            entry.explains(&difference, if by_age { tables.cloned() } else { tables.map(tables_by_tree) })
        };
        match stored {
            Some(entry) if explains(entry) => Self::Explained(entry.change.clone()),
            stored => {
                let wanted = serde_json::to_string(&Elsewhere::of(&difference, kernel)).unwrap_or_default();
                let stored = stored.map_or("nothing", |_| "another difference");
                Self::Differs(format!(
                    "{difference}  {stored} is stored for Linux {kernel}; the entry would be\n  {wanted}"
                ))
            }
        }
    }
}
