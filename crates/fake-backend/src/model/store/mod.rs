//! Containers with cheap clones, and pools of numbers.

pub(crate) mod arena;
pub(crate) mod id_pool;
pub(crate) mod radix;
pub(crate) mod sorted_map;
