//! The rules: no cycle of modules, and no arrow to a higher layer.

use std::collections::BTreeSet;

use crate::modules::{Arrows, Module};

/// Each group of modules that import each other in a circle.
pub(crate) fn cycles(arrows: &Arrows) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut cycles = Vec::new();
    for module in arrows.keys() {
        let mates: BTreeSet<Module> =
            reach(arrows, module).into_iter().filter(|other| reach(arrows, other).contains(module)).collect();
        if !mates.is_empty() && seen.insert(mates.clone()) {
            let names: Vec<String> = mates.iter().map(|module| module.join("/")).collect();
            cycles.push(format!("a cycle of {}: {}", names.len(), names.join(", ")));
        }
    }
    cycles
}

/// The modules that a module imports, and those that they import. Itself only where it is on a cycle.
fn reach(arrows: &Arrows, from: &Module) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut to_visit = vec![from];
    while let Some(module) = to_visit.pop() {
        let next = arrows.get(module).into_iter().flatten();
        to_visit.extend(next.filter(|target| found.insert((*target).clone())));
    }
    found
}

/// Each arrow to a higher layer, and each module that is in none. `layers`: lowest first.
pub(crate) fn upward(arrows: &Arrows, layers: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (module, targets) in arrows.iter().filter(|(module, _)| !module.is_empty()) {
        let name = module.join("/");
        let Some(own) = layer(module, layers) else {
            found.push(format!("{name} is in no layer"));
            continue;
        };
        let higher = targets.iter().filter(|target| layer(target, layers).is_some_and(|other| other > own));
        found.extend(higher.map(|target| format!("{name} imports {}, which is above it", target.join("/"))));
    }
    found
}

/// The position of the layer whose name is the longest beginning of the module's path.
fn layer(module: &[String], layers: &[&str]) -> Option<usize> {
    let name = module.join("/");
    let holds = |layer: &&str| name.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let longest = layers.iter().filter(|layer| holds(layer)).max_by_key(|layer| layer.len())?;
    layers.iter().position(|layer| layer == longest)
}
