//! A recording without the order of the tables' rows.
//!
//! Before 6.8 a table is not in the order of the mounts' age. There both sides are compared as trees: the children of a mount
//! stand by mount point, which is unique below one parent.

use std::collections::HashMap;

use crate::scenario::operation::Operation;
use crate::scenario::outcome::Outcome;
use crate::scenario::recording::Recording;
use crate::scenario::scenario_record::Scenario;
use crate::scenario::snapshot::{Row, Snapshot};
use crate::scenario::value::{MountLabel, Value};

/// The recording of the scenario with the rows of each table in the order of a walk through the tree.
pub(super) fn order_free(scenario: &Scenario, recording: &Recording) -> Recording {
    let mut sorted = Recording { results: recording.results.clone(), ..Recording::default() };
    // New index by old one, of each namespace, for each table of the recording.
    let mut places: Vec<(i64, HashMap<u32, Vec<usize>>)> = Vec::new();
    for (at, snapshot) in &recording.tables {
        let (snapshot, place) = sorted_by_tree(snapshot);
        if sorted.tables.last().is_none_or(|(_, last)| *last != snapshot) {
            sorted.tables.push((*at, snapshot));
        }
        places.push((*at, place));
    }
    let mut present = 0;
    for (index, outcome) in recording.results.iter().enumerate() {
        if let (Outcome::Ok, Some(Operation::SwitchNs { ns })) =
            (outcome, scenario.ops.get(index).map(|step| &step.operation))
        {
            present = *ns;
        }
        let Some(value) = recording.values.get(&index) else { continue };
        let mut value = value.clone();
        if let Value::Stat(stat) = &mut value
            && let MountLabel::Row(row) = &mut stat.mnt
            && let Some((_, place)) =
                places.iter().take_while(|(at, _)| usize::try_from(*at).map_or(true, |at| at <= index)).last()
            && let Some(&new) = place.get(&present).and_then(|place| place.get(*row))
        {
            *row = new;
        }
        sorted.values.insert(index, value);
    }
    sorted
}

/// The tables with their rows in the order of a walk through the tree.
pub(super) fn tables_by_tree(snapshot: &Snapshot) -> Snapshot {
    sorted_by_tree(snapshot).0
}

fn sorted_by_tree(snapshot: &Snapshot) -> (Snapshot, HashMap<u32, Vec<usize>>) {
    let mut groups = HashMap::new();
    let mut relabelled = |group: &mut Option<String>| {
        if let Some(group) = group {
            let next = groups.len() + 1;
            *group = format!("g{}", groups.entry(group.clone()).or_insert(next));
        }
    };
    let (mut sorted, mut places) = (Snapshot::default(), HashMap::new());
    for (&namespace, rows) in &snapshot.0 {
        let mut order = Vec::with_capacity(rows.len());
        walk(rows, None, &mut order);
        let mut place = vec![0; rows.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let mut moved: Vec<Row> = order.iter().map(|&old| rows[old].clone()).collect();
        for row in &mut moved {
            row.pi = row.pi.map(|old| place[old]);
            relabelled(&mut row.shared);
            relabelled(&mut row.master);
            relabelled(&mut row.propagate_from);
        }
        sorted.0.insert(namespace, moved);
        places.insert(namespace, place);
    }
    (sorted, places)
}

fn walk(rows: &[Row], parent: Option<usize>, order: &mut Vec<usize>) {
    let mut children: Vec<usize> = (0..rows.len()).filter(|&at| rows[at].pi == parent && Some(at) != parent).collect();
    children.sort_by(|a, b| rows[*a].mp.cmp(&rows[*b].mp));
    for child in children {
        order.push(child);
        walk(rows, Some(child), order);
    }
}

#[cfg(test)]
mod tests {
    use super::order_free;
    use crate::scenario::{Recording, Scenario, scenarios_from_text};

    fn recording(tables: &str, stat_row: usize) -> (Scenario, Recording) {
        let line = format!(
            r#"{{"name":"n","ops":[{{"op":"stat","path":"/b"}}],"results":["OK"],"values":{{"0":{{"kind":"dir","fs":"tmpfs#0","ino":"i1","mnt":{stat_row},"mount_root":true}}}},"tables":[[-1,{{"0":[{tables}]}}]]}}"#
        );
        let scenario = scenarios_from_text("f", &line).expect("it is well formed").remove(0);
        let recording = scenario.recorded().expect("it has one");
        (scenario, recording)
    }

    const ROOT: &str = r#"{"mp":"/","parent":null,"pi":null,"root":"/","fs":"tmpfs#0","opts":"rw"}"#;

    #[test]
    fn recordings_that_differ_in_row_order_alone_are_equal() {
        let a = |group| {
            format!(r#"{{"mp":"/a","parent":"/","pi":0,"root":"/","fs":"tmpfs#1","opts":"rw","shared":"{group}"}}"#)
        };
        let b = |group| {
            format!(r#"{{"mp":"/b","parent":"/","pi":0,"root":"/","fs":"tmpfs#2","opts":"rw","shared":"{group}"}}"#)
        };
        let (scenario, one) = recording(&format!("{ROOT},{},{}", a("g1"), b("g2")), 2);
        let (_, other) = recording(&format!("{ROOT},{},{}", b("g1"), a("g2")), 1);
        assert_ne!(one, other);
        assert_eq!(order_free(&scenario, &one), order_free(&scenario, &other));
    }

    #[test]
    fn recordings_that_differ_in_a_peer_group_stay_different() {
        let a = r#"{"mp":"/a","parent":"/","pi":0,"root":"/","fs":"tmpfs#1","opts":"rw","shared":"g1"}"#;
        let b = |group| {
            format!(r#"{{"mp":"/b","parent":"/","pi":0,"root":"/","fs":"tmpfs#2","opts":"rw","shared":"{group}"}}"#)
        };
        let (scenario, one) = recording(&format!("{ROOT},{a},{}", b("g1")), 2);
        let (_, other) = recording(&format!("{ROOT},{a},{}", b("g2")), 2);
        assert_ne!(order_free(&scenario, &one), order_free(&scenario, &other));
    }
}
