//! The list.

mod filesystem;
mod mounts;
mod places;
mod sequences;

use crate::contract::case::Case;

/// Every case, in the order of the ports' pages: places, files, directories, mounts, then what core makes of them.
pub fn cases() -> impl Iterator<Item = (&'static str, Case)> {
    AREAS.iter().flat_map(|(area, cases)| cases.iter().map(move |case| (*area, *case)))
}

/// Every case of [`ProcessRoot`](mountwright_core::ports::ProcessRoot), for [`play_roots_on_kernel`](super::play_roots_on_kernel)
/// and [`play_roots_on_model`](super::play_roots_on_model).
pub fn root_cases() -> impl Iterator<Item = (&'static str, Case)> {
    mounts::roots::CASES.iter().map(|case| ("root", *case))
}

const AREAS: &[(&str, &[Case])] = &[
    ("locations", places::locations::CASES),
    ("in a root", places::in_root::CASES),
    ("in a root", places::in_root_mounts::CASES),
    ("files", filesystem::files::CASES),
    ("directories", filesystem::directories::CASES),
    ("directories", filesystem::directory_changes::CASES),
    ("nodes", filesystem::nodes::CASES),
    ("entries", filesystem::open_entries::CASES),
    ("bind", mounts::binds::CASES),
    ("bind", mounts::bind_attributes::CASES),
    ("bind", mounts::bind_propagations::CASES),
    ("mount", mounts::new_mounts::CASES),
    ("mount", mounts::new_mount_targets::CASES),
    ("mount", mounts::copy_up::CASES),
    ("tree", mounts::trees::CASES),
    ("move", mounts::moves::CASES),
    ("owners", mounts::owner_maps::CASES),
    ("attributes", mounts::attributes::CASES),
    ("attributes", mounts::reconfigurations::CASES),
    ("propagation", mounts::propagations::CASES),
    ("unmount", mounts::unmounts::CASES),
    ("mount questions", mounts::mount_questions::CASES),
    ("servers", mounts::servers::CASES),
    ("core binds", sequences::bind_sequences::CASES),
    ("core shares", sequences::shares::CASES),
    ("core sandbox", sequences::sandboxes::CASES),
    ("core recovery", sequences::recoveries::CASES),
    ("core questions", sequences::core_questions::CASES),
];
