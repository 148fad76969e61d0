//! The expected treatment of the mounts of the sample.

use libtest_mimic::Failed;
use serde_json::Value;

/// Destination, verdict, and what is behind the source; `-` for nothing.
pub(crate) type Row = (&'static str, &'static str, &'static str);

/// On the fake: the whole of the captured node.
pub(crate) const ON_THE_FAKE: [Row; 21] = [
    ("/proc", "skip-not-a-bind", "-"),
    ("/dev", "skip-not-a-bind", "-"),
    ("/dev/pts", "skip-not-a-bind", "-"),
    ("/dev/mqueue", "skip-not-a-bind", "-"),
    ("/sys", "skip-not-a-bind", "-"),
    ("/sys/fs/cgroup", "skip-system", "Anonymous"),
    ("/dev/shm", "skip-dev-shm", "Anonymous"),
    ("/etc/hosts", "share-writable", "Subtree"),
    ("/dev/termination-log", "share-writable", "Subtree"),
    ("/etc/resolv.conf", "share-writable", "Anonymous"),
    ("/cache", "memory-empty-dir", "Anonymous"),
    ("/scratch", "disk-empty-dir", "Subtree"),
    ("/hugepages", "huge-pages-empty-dir", "Anonymous"),
    ("/etc/app", "watchable", "Subtree"),
    ("/etc/app-many", "share-read-only", "Subtree"),
    ("/etc/tls", "watchable", "Anonymous"),
    ("/var/run/secrets/kubernetes.io/serviceaccount", "share-read-only", "Anonymous"),
    ("/data", "share-writable", "WholeFilesystem"),
    ("/legacy", "share-writable", "Subtree"),
    ("/dev/kvm", "skip-host-device", "CharNode"),
    ("/host-zone", "source-missing", "-"),
];

/// On a kernel the verdict is the fake's, or that the path cannot be built there.
pub(crate) const NOT_BUILT: &str = "not-built";
/// The mounts that no kernel builds from a captured table.
pub(crate) const NEVER_BUILT: [&str; 1] = ["/data"];
/// The mounts that only some kernels build, for some users.
pub(crate) const SELDOM_BUILT: [&str; 2] = ["/hugepages", "/dev/kvm"];

/// The rows of a story, with what `field` finds in each.
pub(crate) fn rows(story: &Value) -> Result<Vec<(String, String, String)>, Failed> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let rows = story["mounts"].as_array().ok_or("no mounts in the story")?;
    Ok(rows
        .iter()
        .map(|row| (text(&row["destination"]), text(&row["verdict"]), text(&row["backing"]["kind"])))
        .collect())
}
