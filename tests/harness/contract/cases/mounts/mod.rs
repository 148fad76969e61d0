//! Mounts, and questions about them.

pub(super) mod attributes;
pub(super) mod bind_attributes;
pub(super) mod bind_propagations;
pub(super) mod binds;
pub(super) mod copy_up;
pub(super) mod mount_questions;
pub(super) mod moves;
pub(super) mod new_mount_targets;
pub(super) mod new_mounts;
pub(super) mod owner_maps;
pub(super) mod propagations;
pub(super) mod reconfigurations;
pub(super) mod roots;
pub(super) mod servers;
pub(super) mod trees;
pub(super) mod unmounts;
