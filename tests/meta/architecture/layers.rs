//! The layers of each crate, lowest first. A folder imports only from its own layer and from those before it.

/// Of `crates/core/src`. Plain data comes before the ports.
pub(crate) const CORE: &[&str] = &[
    "path",
    "file",
    "mount",
    "error",
    "mount_table",
    "spec",
    "ports",
    "stepwise",
    "bind",
    "device",
    "unmount",
    "kubernetes",
    "share",
    "sandbox",
    "recovery",
    "kata",
    "rootfs",
    "stored_form",
    "strategies",
];

/// Of `crates/linux-backend/src`. `system` is below the backend because it is the backend's default kernel, and the root of a tree
/// because a backend may be that of requests in one.
pub(crate) const LINUX: &[&str] = &[
    "syscalls",
    "system",
    "trees/root",
    "backend",
    "resolve",
    "query",
    "files",
    "change",
    "staging",
    "mounting",
    "trees",
    "ports",
    "test_namespace",
];

/// Of `crates/fake-backend/src`. The objects of the model are below [`Machine`](mountwright_fake::Machine), what happens to
/// them is above it.
pub(crate) const FAKE: &[&str] = &[
    "abi",
    "model/store",
    "model/keys",
    "model/filesystems/fixed_names",
    "model/filesystems/filesystem_type",
    "model/objects/ids",
    "model/filesystems/options",
    "model/objects",
    "model/machine",
    "model/vfs",
    "model/mounts",
    "model/process",
    "model/filesystems",
    "model",
    "syscalls",
    "model_kernel",
    "fault_injection",
    "fake_backend",
    "host",
    "show",
    "test_kit",
    "strategies",
];
