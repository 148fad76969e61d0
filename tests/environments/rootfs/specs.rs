//! Specifications of containers.

use mountwright_core::rootfs::{RootfsPlan, RuntimeConfig};
use mountwright_tests::container_spec;
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

/// The default specification with a terminal and a read-only root, in the image `/w/image`.
pub(crate) fn default_spec() -> Value {
    let mut spec = container_spec::default_spec();
    spec["process"]["terminal"] = json!(true);
    spec["root"] = json!({"path": "/w/image", "readonly": true});
    spec["linux"]["maskedPaths"] = json!(["/proc/keys", "/proc/none", "/sys/firmware"]);
    spec["linux"]["readonlyPaths"] = json!(["/proc/sys", "/none"]);
    spec
}
