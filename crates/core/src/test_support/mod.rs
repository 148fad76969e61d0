//! Support for the unit tests.

#[cfg(all(test, feature = "serde"))]
pub(crate) mod error_messages;
#[cfg(test)]
pub(crate) mod hooked_tree;
#[cfg(test)]
pub(crate) mod in_memory_mounts;
#[cfg(test)]
pub(crate) mod in_memory_names;
#[cfg(test)]
pub(crate) mod read_only_tree;
