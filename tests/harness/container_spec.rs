//! The specification of a container that tests begin with.

use serde_json::Value;

/// The mounts, masks and namespaces that `runc spec` writes, without cgroups and terminal; the root is writable.
pub fn default_spec() -> Value {
    serde_json::from_str(include_str!("default_spec.json")).expect("the file is JSON")
}
