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

/// The specification that `runc spec` writes, without cgroups, in the image `/w/image`.
pub(crate) fn default_spec() -> Value {
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({"type": kind}));
    json!({
        "process": {"terminal": true},
        "root": {"path": "/w/image", "readonly": true},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "namespaces": namespaces,
            "maskedPaths": ["/proc/keys", "/proc/none", "/sys/firmware"],
            "readonlyPaths": ["/proc/sys", "/none"],
        },
    })
}
