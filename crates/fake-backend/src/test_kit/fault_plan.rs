//! The faults of a search.

use mountwright_core::Errno;

use crate::test_kit::errnos::{errnos, is_a_statement, means_again};
use crate::test_kit::interposed::between::Moment;
use crate::test_kit::interposed::fault::HowLong;

/// One call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// The call of an undisturbed run.
    pub moment: Moment,
    /// The errno.
    pub errno: Errno,
    /// Once, or from then on.
    pub how_long: HowLong,
}

/// Returns the faults of every call of a run: each errno it can give, once and for good; in short, one errno that
/// states a fact and one that does not.
pub fn fault_plan(calls: &[Moment], long: bool) -> Vec<PlannedFault> {
    let mut plan = Vec::new();
    for &moment in calls {
        let mut all = errnos(moment.call, moment.probe);
        if !long {
            let statement = all.iter().copied().find(|&errno| is_a_statement(errno));
            all = plain_failure(moment).into_iter().chain(statement).collect();
        }
        for errno in all {
            plan.push(PlannedFault { moment, errno, how_long: HowLong::Once });
            if !means_again(errno) {
                plan.push(PlannedFault { moment, errno, how_long: HowLong::ForGood });
            }
        }
    }
    plan
}

/// Returns an errno by which a call fails without stating a fact.
pub fn plain_failure(moment: Moment) -> Option<Errno> {
    let errnos = errnos(moment.call, moment.probe);
    errnos.into_iter().find(|&errno| !is_a_statement(errno) && !means_again(errno))
}
