//! Specifications: the default one, the one without root, and such as no runtime should run.

mod refusals;
mod steps;

use serde_json::{Value, json};

use crate::rootfs::step::Step;
use crate::rootfs::{BadConfig, RootfsPlan, RuntimeConfig};

/// The specification that `runc spec` writes, without its capabilities and limits.
pub(in crate::rootfs) fn default_spec() -> Value {
    json!({
        "ociVersion": "1.2.0",
        "process": {
            "terminal": true, "user": {"uid": 0, "gid": 0}, "args": ["sh"], "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/",
            "noNewPrivileges": true,
        },
        "root": {"path": "rootfs", "readonly": true},
        "hostname": "runc",
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
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
             "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
        ],
        "linux": {
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                           {"type": "cgroup"}],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/sys"],
        },
    })
}

/// The specification that `runc spec --rootless` writes, in the same way.
fn rootless_spec() -> Value {
    let mut spec = default_spec();
    spec["mounts"][2]["options"].as_array_mut().unwrap().pop();
    spec["mounts"][5] = json!({"destination": "/sys", "type": "none", "source": "/sys",
        "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]});
    let linux = &mut spec["linux"];
    linux["namespaces"] = json!([{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"},
        {"type": "user"}]);
    linux["uidMappings"] = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    linux["gidMappings"] = json!([{"containerID": 0, "hostID": 1000, "size": 1}]);
    spec
}

/// The default plan, with these steps to build.
pub(in crate::rootfs) fn plan_of(build: Vec<Step>) -> RootfsPlan {
    RootfsPlan { build, ..plan(&default_spec()).unwrap() }
}

pub(in crate::rootfs) fn plan(spec: &Value) -> Result<RootfsPlan, BadConfig> {
    let config: RuntimeConfig = serde_json::from_str(&spec.to_string()).unwrap();
    RootfsPlan::from_config(&config, "/bundle".into())
}

/// The line of the refusal of the default specification with this value at this pointer.
fn refused_with(pointer: &str, value: Value) -> String {
    refused(default_spec(), pointer, value)
}

fn refused(mut spec: Value, pointer: &str, value: Value) -> String {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match spec.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), value)),
        Value::Array(entries) => entries[name.parse::<usize>().unwrap()] = value,
        other => panic!("{other} has no fields"),
    }
    let error = plan(&spec).expect_err(&spec.to_string());
    let line = format!("{}: {}", error.path(), error.reason());
    assert!(!line.contains('\n') && error.to_string() == format!("config.json: {line}"), "{error}");
    line
}
