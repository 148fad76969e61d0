//! The shortest history that still shows a difference.

use crate::scenario::scenario_record::Scenario;
use crate::scenario::step::Step;

/// Removes steps as long as `differs` still holds for the shorter history.
pub fn minimise(mut scenario: Scenario, mut differs: impl FnMut(&Scenario) -> bool) -> Scenario {
    loop {
        let before = scenario.ops.len() + scenario.setup.len();
        // From the end, where most of the unneeded steps are.
        leave_out(&mut scenario, |scenario| &mut scenario.ops, &mut differs);
        leave_out(&mut scenario, |scenario| &mut scenario.setup, &mut differs);
        if scenario.ops.len() + scenario.setup.len() == before {
            return scenario;
        }
    }
}

fn leave_out(
    scenario: &mut Scenario,
    list: impl Fn(&mut Scenario) -> &mut Vec<Step>,
    differs: &mut impl FnMut(&Scenario) -> bool,
) {
    let mut index = list(scenario).len();
    while index > 0 {
        index -= 1;
        let step = list(scenario).remove(index);
        if !differs(scenario) {
            list(scenario).insert(index, step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::minimise;
    use crate::scenario::{Operation, Scenario, Step};

    #[test]
    fn only_what_matters_is_left() {
        let step = |ns| Step::new(Operation::SwitchNs { ns });
        let scenario = Scenario::new("n", vec![step(7), step(8)], (0..20).map(step).collect());
        let smallest = minimise(scenario, |scenario| {
            let has = |steps: &[Step], ns| steps.contains(&step(ns));
            has(&scenario.ops, 3) && has(&scenario.ops, 11) && has(&scenario.setup, 8)
        });
        assert_eq!((smallest.setup, smallest.ops), (vec![step(8)], vec![step(3), step(11)]));
    }
}
