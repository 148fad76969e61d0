//! Containers whose clones are cheap, and numbers that are given out.

pub(crate) mod arena;
pub(crate) mod id_pool;
pub(crate) mod radix;
pub(crate) mod sorted_map;
