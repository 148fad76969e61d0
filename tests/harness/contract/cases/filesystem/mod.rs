//! Files, directories and nodes.

pub(super) mod directories;
pub(super) mod directory_changes;
pub(super) mod files;
pub(super) mod nodes;
pub(super) mod open_entries;
