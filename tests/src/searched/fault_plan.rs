//! Which faults are tried.

use mountwright_core::Errno;

use crate::errno_table::{errnos, is_a_statement, means_again};
use crate::interposed::{HowLong, Moment};

/// One call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedFault {
    /// Which call of an undisturbed run.
    pub moment: Moment,
    /// With what.
    pub errno: Errno,
    /// Once, or from then on.
    pub how_long: HowLong,
}

/// Every call of a run fails with each errno it can give, once and for good; in short, with one that says how things are and
/// with one that does not.
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

/// An errno by which a call fails without saying anything about how things are.
pub fn plain_failure(moment: Moment) -> Option<Errno> {
    let errnos = errnos(moment.call, moment.probe);
    errnos.into_iter().find(|&errno| !is_a_statement(errno) && !means_again(errno))
}
