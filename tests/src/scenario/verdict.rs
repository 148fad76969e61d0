//! Whether a world did as recorded.

use serde::{Deserialize, Serialize};

use super::difference::first_difference;
use super::recording::Recording;
use super::scenario_record::Scenario;
use super::world::CannotRun;

/// What came out of a scenario on a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Errnos, values and tables are those recorded.
    Agrees,
    /// They are not; a report for a person.
    Differs(String),
    /// The machine does not allow it; with the reason.
    NotRun(String),
    /// The rule is younger than the machine's kernel; in words.
    TooYoung(String),
}

impl Verdict {
    /// Compares what was played with the scenario's recording.
    pub fn of(scenario: &Scenario, played: Result<Recording, CannotRun>) -> Self {
        let recorded = scenario.recorded().unwrap_or_default();
        match played {
            Err(error @ CannotRun::NeedsRoot(_)) => Self::NotRun(error.to_string()),
            Err(error @ CannotRun::KernelTooOld { .. }) => Self::TooYoung(error.to_string()),
            Err(error) => Self::Differs(format!("entirely: {error}")),
            Ok(got) => match first_difference(scenario, &recorded, &got) {
                None => Self::Agrees,
                Some(difference) => Self::Differs(difference.to_string()),
            },
        }
    }
}
