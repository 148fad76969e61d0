//! The list.

mod attributes;
mod bind_attributes;
mod bind_propagations;
mod bind_sequences;
mod binds;
mod copy_up;
mod core_questions;
mod directories;
mod every_call;
mod files;
mod in_root;
mod in_root_mounts;
mod locations;
mod mount_questions;
mod moves;
mod new_mount_targets;
mod new_mounts;
mod nodes;
mod open_entries;
mod propagations;
mod reconfigurations;
mod recoveries;
mod sandboxes;
mod servers;
mod shares;
mod trees;
mod unmounts;

use super::case::Case;

/// Every case, in the order of the ports' pages: places, files, directories, mounts, then what core makes of them.
pub fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    AREAS.iter().flat_map(|(area, cases)| cases.iter().map(move |case| (*area, *case)))
}

const AREAS: &[(&str, &[Case])] = &[
    ("locations", locations::CASES),
    ("in a root", in_root::CASES),
    ("in a root", in_root_mounts::CASES),
    ("files", files::CASES),
    ("directories", directories::CASES),
    ("nodes", nodes::CASES),
    ("entries", open_entries::CASES),
    ("bind", binds::CASES),
    ("bind", bind_attributes::CASES),
    ("bind", bind_propagations::CASES),
    ("mount", new_mounts::CASES),
    ("mount", new_mount_targets::CASES),
    ("mount", copy_up::CASES),
    ("tree", trees::CASES),
    ("move", moves::CASES),
    ("attributes", attributes::CASES),
    ("attributes", reconfigurations::CASES),
    ("propagation", propagations::CASES),
    ("unmount", unmounts::CASES),
    ("mount questions", mount_questions::CASES),
    ("servers", servers::CASES),
    ("core binds", bind_sequences::CASES),
    ("core shares", shares::CASES),
    ("core sandbox", sandboxes::CASES),
    ("core recovery", recoveries::CASES),
    ("core questions", core_questions::CASES),
];
