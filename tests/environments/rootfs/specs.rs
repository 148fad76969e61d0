//! Specifications of containers.

use mountwright_core::rootfs::{RootfsPlan, RuntimeConfig};
use serde_json::{Value, json};

/// A specification whose root is `/image`, with these mounts.
pub(crate) fn with_mounts(mounts: &Value) -> Value {
    json!({"root": {"path": "/image"}, "mounts": mounts, "linux": {"namespaces": [{"type": "mount"}]}})
}

/// The plan of a specification.
#[track_caller]
pub(crate) fn plan(spec: &Value) -> RootfsPlan {
    let config: RuntimeConfig = serde_json::from_value(spec.clone()).unwrap();
    RootfsPlan::from_config(&config, "/bundle".into()).unwrap()
}
